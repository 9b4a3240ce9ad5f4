// Package playground answers the question of the playground page: a
// descriptor, a token file and rights in, a table of reasons out.
//
// The page has no server. [Answer] is compiled to WebAssembly (package wasm) and
// packed with the page into one file (package pack):
//
//	make playground        # writes bin/playground/index.html
//
// Its types are the JSON between the page and Go: [Question] goes in, [Reply]
// comes out. What is wrong in a question is a list of [Mistake], each with the
// field and, where known, the place in it.
//
//	out := playground.Answer([]byte(`{"sd":"D:(A;;FR;;;WD)","token":"{\"user\":\"WD\"}","rights":"FR","type":"file"}`))
//
// Guards: none; the package has no state.
package playground
