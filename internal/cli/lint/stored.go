package lint

import (
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Corrected returns the descriptor without the defects of [LogonSession] and [StoredGeneric] entries, in SDDL. It
// returns "" if the descriptor has none, or if only its author can decide what it should say. domain only serves to
// write aliases and may be zero.
func Corrected(d *sd.Descriptor, domain sid.SID) string {
	c, status := fileaccess.Stored(d)
	if status != ntstatus.Success || c == d {
		return ""
	}
	text, err := sddl.Format(c, sddl.Options{Domain: domain, Extended: true})
	if err != nil {
		return ""
	}
	return text
}

// specific replaces the generic rights of an entry by the specific rights of files, as a file system stores them.
func specific(a sd.ACE) sd.ACE { return a.MapGeneric(&winnt.FileObject.Mapping) }

// checkStored reports what file systems do not store in the descriptor of a file or directory: SIDs of logon sessions,
// and generic rights in entries. For other types of objects it reports nothing.
func (l *linter) checkStored() {
	if l.typ != winnt.FileObject && l.typ != winnt.DirectoryFileObject {
		return
	}
	for _, x := range []struct {
		list string
		sid  sid.SID
	}{{"owner", l.d.Owner()}, {"group", l.d.Group()}} {
		if x.sid.Authority() == 5 && x.sid.SubAuthorities() > 0 && x.sid.Sub(0) == 5 {
			l.add(x.list, -1, sd.ACE{}, LogonSession, "F-199", "name a user or a group",
				"%s is a logon session, which ends before the file does", x.sid)
		}
	}
	for _, x := range []struct {
		list string
		acl  *sd.ACL
	}{{"DACL", l.d.DACL()}, {"SACL", l.d.SACL()}} {
		for i, a := range x.acl.All() {
			if fileaccess.NamesSession(a) {
				l.add(x.list, i, a, LogonSession, "F-199", "drop the entry, or name a user or a group",
					"it names a logon session, which ends before the file does: its number can come to stand for another user")
			}
			if fileaccess.StoresGeneric(a) {
				l.add(x.list, i, a, StoredGeneric, "F-201", "write the rights that they stand for: "+l.text(specific(a)),
					"it has generic rights, which refmond maps when it checks and Samba does not: one server follows the entry and "+
						"the other ignores it")
			}
		}
	}
}
