package index

import "path"

// link adds a document to its folder's members, and each folder above that is new to its parent's. Another worker may
// have the rows of those folders. A known document has no effect.
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

// unlink removes a document from its folder's members, and then the folders above that have become empty and have no
// row. It does nothing if the document has a row or members.
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
