package audit

import "github.com/refmon/refmon/sid"

// ShareExposed makes event 5142: a directory is served under a name, although users
// reach its files without being asked. Behind the documented fields, Exposure says who
// and by which path.
func ShareExposed(from Origin, name, path, exposure string) Event {
	var l fieldList
	from.appendAccount(&l, "Subject", sid.LocalSystem, 0)
	l.name("ShareName", name)
	l.name("ShareLocalPath", path)
	l.name("Exposure", exposure)
	return Event{Header: Header{ID: 5142, Subcategory: FileShare}, fields: l}
}
