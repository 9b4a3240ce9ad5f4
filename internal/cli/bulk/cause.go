package bulk

import (
	"fmt"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// cause returns a short text about why a principal's rights changed. It explains the lowest gained bit, or without
// one the lowest lost bit. A nil descriptor in before or after means that the object does not exist there. A new or
// gone object takes precedence over a new or gone principal, and the object's descriptor over the share's limits.
func (d *Diff) cause(c *change, before, after key) string {
	p := d.pairs[c.who]
	switch {
	case before.d == nil:
		return "new object"
	case after.d == nil:
		return "object is gone"
	case p.before < 0:
		return "new principal"
	case p.after < 0:
		return "principal is gone"
	}
	was := state{before, &d.Directory.Principals[p.before], d.Directory}
	is := state{after, &d.DirectoryAfter.Principals[p.after], d.DirectoryAfter}
	bit, explain := c.gained, gained
	if bit == 0 {
		bit, explain = c.lost, lost
	}
	bit &= -bit
	old, now := was.reason(d, bit), is.reason(d, bit)
	granted, root := c.gained != 0, was.p.Root && is.p.Root // an admin user is not checked
	if old.Granted == granted || now.Granted != granted || root {
		if text := d.shareCause(bit, was, is, explain); text != "" {
			return text
		}
	}
	return explain(old.Reason, now.Reason, was, is)
}

// shareCause explains a change of a bit by the share. It compares the answers of the share's descriptor, the rights
// that the share withholds from the principal, and whether the principal is an admin user of the share. It returns ""
// if these are the same in both states.
func (d *Diff) shareCause(
	bit winnt.AccessMask, was, is state, explain func(before, after access.Reason, was, is state) string,
) string {
	if d.Share != nil {
		was.d, is.d = d.Share, d.Share
		if old, now := was.reason(d, bit), is.reason(d, bit); old.Granted != now.Granted {
			return "share: " + explain(old.Reason, now.Reason, was, is)
		}
	}
	switch {
	case is.p.Withheld&^was.p.Withheld&bit != 0:
		return "the share withholds it"
	case was.p.Withheld&^is.p.Withheld&bit != 0:
		return "the share no longer withholds it"
	case is.p.Root && !was.p.Root:
		return "became an admin user of the share"
	case was.p.Root && !is.p.Root:
		return "is no longer an admin user of the share"
	}
	return ""
}

// state is one principal and one descriptor, before or after a change, as the input of an access check.
type state struct {
	key
	p   *directory.Principal
	dir *directory.Directory
}

// reason runs the access check and returns whether and why it granted a bit. It returns the zero BitReason if the
// check fails.
func (s state) reason(d *Diff, bit winnt.AccessMask) access.BitReason {
	_, x, err := access.Explain(&access.Request{Descriptor: s.d, Subject: access.Subject{Primary: s.p.Token},
		Desired: winnt.MAXIMUM_ALLOWED | bit,
		Type:    s.typ, Policies: d.Config.Policies, Options: d.Config.Options})
	if err != nil {
		return access.BitReason{}
	}
	r, _ := x.Reason(bit)
	return r
}

// entry returns the DACL entry that allowed or denied a right by the reason r. ok is false if r is of another kind.
func (s state) entry(r access.Reason, kind access.ReasonKind) (a sd.ACE, ok bool) {
	if r.Kind != kind {
		return a, false
	}
	return s.d.DACL().At(r.Index), true
}

// has reports whether the DACL holds an entry with the same bytes.
func (s state) has(a sd.ACE) bool {
	for _, b := range s.d.DACL().All() {
		if b.Binary() == a.Binary() {
			return true
		}
	}
	return false
}

// protected reports whether the DACL inherits nothing.
func (s state) protected() bool { return s.d.Control()&sd.DACLProtected != 0 }

// member reports whether an allow entry for a SID applies to the token.
func (s state) member(x sid.SID) bool { return s.p.Token.Member(x, false) }

// text returns an entry as SDDL, with the object types and the name of its account. A type without SDDL is given by
// its number. An unknown account is given by its SID.
func (s state) text(a sd.ACE) string {
	text, err := sddl.FormatACE(a, sddl.Options{Extended: true})
	if err != nil {
		text = fmt.Sprintf("of type %d", a.Type())
	}
	if on := words.Entry(a); on != "" {
		text += " " + on
	}
	return text + " " + s.dir.Name(a.SID())
}

// gained returns the change that gave a principal a right, such as an added entry. The entry that now allows comes
// first, then the entry that denied before, then the owner and the missing DACL. If none of these changed, the text
// has both reasons.
func gained(before, after access.Reason, was, is state) string {
	if a, ok := is.entry(after, access.AceAllow); ok {
		switch {
		case !was.has(a) && a.Flags()&sd.Inherited != 0 && was.protected() && !is.protected(): // (B-106)
			return "inheritance enabled, entry added: " + is.text(a)
		case !was.has(a):
			return "entry added: " + is.text(a)
		case !was.member(a.SID()) && is.member(a.SID()):
			return "joined " + is.dir.Name(a.SID()) + ": " + is.text(a)
		}
	}
	if a, ok := was.entry(before, access.AceDeny); ok {
		if !is.has(a) {
			return "entry removed: " + was.text(a)
		}
		if !is.p.Token.Member(a.SID(), true) {
			return "left " + was.dir.Name(a.SID()) + ": " + was.text(a)
		}
		return "entries in another order: " + was.text(a)
	}
	switch after.Kind {
	case access.Owner:
		return ownerCause("owner is now ", "joined ", "entry removed: ", "replaced", is, was)
	case access.NullDacl:
		return "DACL is gone: open to everybody"
	}
	return "was: " + before.Words(false, "it") + "; now: " + after.Words(true, "it")
}

// lost returns the change that took a right from a principal, such as a removed entry. The entry that now denies
// comes first, then the entry that allowed before, then the owner and a new DACL. If none of these changed, the text
// has both reasons.
func lost(before, after access.Reason, was, is state) string {
	if a, ok := is.entry(after, access.AceDeny); ok {
		switch {
		case !was.has(a):
			return "entry added: " + is.text(a)
		case !was.p.Token.Member(a.SID(), true):
			return "joined " + is.dir.Name(a.SID()) + ": " + is.text(a)
		}
		return "entries in another order: " + is.text(a)
	}
	if a, ok := was.entry(before, access.AceAllow); ok {
		switch {
		case !is.has(a) && a.Flags()&sd.Inherited != 0 && is.protected() && !was.protected(): // (B-106)
			return "inheritance disabled, entry removed: " + was.text(a)
		case !is.has(a):
			return "entry removed: " + was.text(a)
		case !is.member(a.SID()):
			return "left " + was.dir.Name(a.SID()) + ": " + was.text(a)
		}
	}
	switch before.Kind {
	case access.Owner:
		return ownerCause("owner was ", "left ", "entry added: ", "replaces", was, is)
	case access.NullDacl:
		return "DACL is there now"
	}
	return "was: " + before.Words(true, "it") + "; now: " + after.Words(false, "it")
}

// ownerCause explains why a principal has the owner's rights in one state only. The state with has these rights, and
// the state without does not. The cause is a different owner, an entry for OWNER RIGHTS, or membership in the owner.
// owner, entry and member begin these texts. verb states the entry's effect.
func ownerCause(owner, member, entry, verb string, with, without state) string {
	if with.d.Owner() != without.d.Owner() {
		return owner + with.dir.Name(with.d.Owner())
	}
	for _, a := range without.d.DACL().All() {
		if a.SID() == sid.OwnerRights && !with.has(a) {
			return entry + without.text(a) + ": it " + verb + " the owner's implicit rights"
		}
	}
	return member + with.dir.Name(with.d.Owner()) + ", the owner"
}
