package access

import (
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// SeFastTraverseCheck shortens the check for traversing a directory. It returns true if the full check would grant the
// wanted rights. It returns false if the caller must run the full check. It never returns true where the full
// check could refuse:
//   - for a client below SecurityImpersonation, an AppContainer or a restricted token
//   - for a token without Everyone
//   - with a SACL that has a label, policy, trust label or filter
func SeFastTraverseCheck(d *sd.Descriptor, s *Subject, wanted winnt.AccessMask, objectType *winnt.ObjectType) bool {
	t := s.Effective()
	if t == nil || d == nil || objectType == nil || wanted == 0 || wanted&ungranted != 0 {
		return false
	}
	if s.BelowImpersonation() { // The full check would refuse the level.
		return false
	}
	// The shortcut is for tokens that the user pass alone decides about.
	if !t.OnlyUserSide() || !t.Member(sid.Everyone, false) {
		return false
	}
	// A SACL that limits access needs the full check.
	if d.SACL().Facts()&saclRare != 0 {
		return false
	}
	// From here on the answer needs the label and one look at the entries.
	q := query{who: &identity{token: t, primary: t}, mapping: &objectType.Mapping, r: &noExtras}
	q.dacl.set(d.DACL())
	q.sacl.set(d.SACL())
	if wanted&^q.integrity() != 0 { // a low token and a right to write
		return false
	}
	// Without a DACL every directory may be passed.
	if !d.HasDACL() {
		return true
	}
	q.pass, q.stop, q.slow, q.undecided = traversePass, true, true, wanted
	q.run()
	return q.granted == wanted
}
