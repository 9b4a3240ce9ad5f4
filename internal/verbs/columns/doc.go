// Package columns prints tables for people: columns as wide as their cells, within the
// width of the terminal, and colours by what a cell is, never by the words in it.
//
//	w := columns.New(os.Stdout, columns.Options{Width: 80, Colour: true})
//	row := columns.Cell(nil, columns.Plain, path)
//	row = columns.Cell(row, columns.Good, "0x00120089")
//	_, err := w.Write(columns.End(row))
//	err = w.Flush()
//
// The first rows are held back and measured, the others follow as they come (ADR 33).
//
// Guards: a [Writer] belongs to one goroutine. Rows may be made anywhere.
package columns
