package index

import "path"

// link makes a document known to its folder, and folders without a row of their own to
// theirs: another worker may have those rows.
func (s *State) link(at string) {
	for at != "" && at != "/" {
		dir, name := path.Split(at)
		known := s.below[dir] != nil
		if !known {
			s.below[dir] = map[string]struct{}{}
		}
		s.below[dir][name] = struct{}{}
		if known || dir == "" {
			return
		}
		at = dir[:len(dir)-1]
	}
}

// unlink takes a document out of its folder where nothing is below it, and so on with folders
// that have no row.
func (s *State) unlink(at string) {
	for len(s.below[at+"/"]) == 0 && s.rows[at] == nil {
		dir, name := path.Split(at)
		delete(s.below[dir], name)
		if len(s.below[dir]) > 0 || dir == "" {
			return
		}
		delete(s.below, dir)
		at = dir[:len(dir)-1]
	}
}
