package index

import "path"

// link adds a document's path to the state's folder tree, with all folders above. The folders need no row. A known
// document has no effect.
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

// unlink removes a document from the folder tree of the state after its row was deleted. It then removes each folder
// above that has become empty and has no row. It does nothing if the document still has a row or members.
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
