// Package strictyaml turns YAML into JSON for the readers of package strict. It takes the part of YAML that is data:
// one document of mappings, lists and scalars. Anchors, aliases, tags, merge keys, directives and deep nesting are
// refused while the text is still a list of words, because a parser spends memory on them.
//
//	text, marks, err := strictyaml.JSON(file)
//	// an error at offset n of text stands on line strict.LineOf(text, marks, n) of file
package strictyaml
