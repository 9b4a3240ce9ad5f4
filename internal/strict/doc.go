// Package strict reads refmon's files: JSON, and the JSON that package strictyaml makes from YAML. Duplicate,
// misspelled and unknown names, a second document, and nesting deeper than [MaxDepth] are errors with their position.
// The package finds them before it allocates memory for the contents.
//
// A [Scanner] returns spans of a line, for readers of many lines. A [Layout] sorts the fields of one object into
// slots. A [Reader] reads a document of a known shape value by value. [Unmarshal] checks the shape and then calls
// encoding/json.
//
//	r := strict.Reader{Scanner: strict.Scanner{Bytes: file}}
//	err := r.Object([]string{"name", "size"}, func(i int) (err error) { … })
//
// All types belong to one goroutine.
package strict
