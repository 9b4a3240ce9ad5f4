// Package strict reads the files of refmon: JSON, and what package strictyaml makes JSON of, with nothing left to
// chance.
//
// A name that is given twice, stands in another case or is unknown, a second document, and lists and objects that nest
// deeper than [MaxDepth] are errors that say where, before memory is spent. A [Scanner] takes spans out of a line for
// readers of many lines, a [Layout] sorts the fields of one object into slots, a [Reader] reads a document of a known
// shape value by value, and [Unmarshal] fills a Go value through encoding/json once it has proved the shape.
//
//	r := strict.Reader{Scanner: strict.Scanner{Bytes: file}}
//	err := r.Object([]string{"name", "size"}, func(i int) (err error) { … })
//
// Guards: all types belong to one goroutine.
package strict
