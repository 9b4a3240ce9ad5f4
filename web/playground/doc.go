// Package playground answers the questions of the playground page: it takes a descriptor, a token file and rights,
// and returns a table of reasons.
//
// The page has no server. [Answer] is compiled to WebAssembly (package wasm) and packed with the page into one file
// (package pack):
//
//	make playground # writes bin/playground/index.html
//
// Its types are the JSON between the page and Go: [Question] is the input, [Reply] the output. The errors in a
// question are a list of [Mistake], each with the field and, if known, the position in it.
//
//	out := playground.Answer([]byte(`{"sd":"D:(A;;FR;;;WD)","token":"{\"user\":\"WD\"}","rights":"FR","type":"file"}`))
//
// The package has no state.
package playground
