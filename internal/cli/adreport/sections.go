package adreport

import "strings"

// sections compares the sections of the report that the paths and the rights of principals do not cover: the accounts
// that no principal has, and the other entries (B-121).
func (c *Changes) sections(before, now *side) (err error) {
	if c.VacantGained, err = now.empty.grants(now.empty.beyond(before.empty)); err != nil {
		return err
	}
	if c.VacantLost, err = before.empty.grants(before.empty.beyond(now.empty)); err != nil {
		return err
	}
	var usual int
	if c.EntriesAdded, usual = now.entriesBeyond(before); usual > 0 {
		c.Objects = append(c.Objects, plural(usual, "kind of entry", "kinds of entries")+
			" on objects that are new or were unreadable: not listed, other objects had the same before")
	}
	if c.EntriesRemoved, usual = before.entriesBeyond(now); usual > 0 {
		c.Objects = append(c.Objects, plural(usual, "kind of entry", "kinds of entries")+
			" on objects that are gone or unreadable: not listed, other objects still have the same")
	}
	return nil
}

// entriesBeyond returns rows for the DACL entries that only s has. It compares entries on the same object. An entry
// on an object whose descriptor other does not have is left out if other has the entry on any object. usual is the
// number of groups with such entries.
func (s *side) entriesBeyond(other *side) (rows []EntryRow, usual int) {
	path := func(side *side, object int) string { return strings.ToLower(side.search.Objects[object].Path) }
	rows = s.others.rowsOf(s, func(key string, list []int) (out []int) {
		theirs := map[string]bool{}
		n, has := other.others.at[key]
		if has {
			for _, i := range other.others.kinds[n].objects {
				theirs[path(other, i)] = true
			}
		}
		unlisted := false
		for _, i := range list {
			p := path(s, i)
			_, both := other.classes[p]
			switch {
			case theirs[p]:
			case both || !has:
				out = append(out, i)
			default:
				unlisted = true
			}
		}
		if unlisted {
			usual++
		}
		return out
	})
	return rows, usual
}
