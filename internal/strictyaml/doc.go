// Package strictyaml converts YAML to JSON for the readers of package strict. It accepts one document of mappings,
// lists and scalars. It rejects anchors, aliases, tags, merge keys, directives and deep nesting before parsing,
// because a parser allocates memory for them.
//
//	text, marks, err := strictyaml.JSON(file)
//	line := strict.LineOf(text, marks, n) // the line of file for offset n of text
package strictyaml
