"""The one writer of CSV and XLSX: typed columns, guarded cells, streamed, whole or visibly broken."""
