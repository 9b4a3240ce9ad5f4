package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// denial explains a denied request in one sentence, at the end of a page.
type denial struct {
	by      string // " by the share" or the like; "" if one descriptor decides
	want    string // the rights as the user asked for them; "" for the names of the mask
	why     *access.Explanation
	request *access.Request
	nameOf  func(sid.SID) string // "": the SID has no name
}

// Limits of the sentence. The rest is counted.
const (
	mostCauses = 3
	mostGroups = 6
	mostWanted = 200 // bytes of the rights as the user asked for them
)

// sentence returns the user, the requested and missing rights, and the entry or check that decided (B-116). Without an
// explanation, and for a granted request, it returns "".
func (d *denial) sentence() string {
	if d.why == nil || d.why.Decision.Allowed() {
		return ""
	}
	want := d.want
	if want == "" || len(want) > mostWanted {
		want = words.Names(d.why.Asked, d.why.Asked, d.request.Type)
	}
	want = inLine(strings.ReplaceAll(want, "+", " and "))
	return "denied" + d.by + ": " + d.name(d.user()) + " asked for " + want + "; " + strings.Join(d.causes(), "; ")
}

// denied prints the sentence of a denial, nothing for a granted request.
func (s *streams) denied(d *denial) error {
	text := d.sentence()
	if text == "" {
		return nil
	}
	_, err := fmt.Fprint(s.out, "\n"+s.folded(text, 0))
	return err
}

// causes returns one clause for each reason why requested rights are missing. A denying entry is the only cause of
// the rights it denies. After mostCauses clauses, a last clause counts the other causes. The list is never empty.
func (d *denial) causes() (list []string) {
	var reasons []access.Reason
	masks := map[access.Reason]winnt.AccessMask{}
	maximum := d.why.Asked == 0
	for _, b := range d.why.Reasons {
		if b.Granted || !d.asked(b.Bit) || d.why.Skipped(b) { // the reason of a skipped right is unknown
			continue
		}
		if masks[b.Reason] == 0 {
			reasons = append(reasons, b.Reason)
		}
		masks[b.Reason] |= b.Bit
	}
	for i, r := range reasons {
		if i == mostCauses {
			return append(list, "and "+count(len(reasons)-i, "other cause", "other causes"))
		}
		what := words.Names(masks[r], d.why.Asked, d.request.Type)
		switch {
		case maximum && len(reasons) == 1:
			what = "any right"
		case masks[r] == d.why.Asked:
			what = "it"
		}
		list = append(list, d.clause(&r, what))
	}
	if len(list) == 0 { // the check ended before it looked at a right
		return []string{d.last()}
	}
	return list
}

// asked reports whether the request names a right. A request for MAXIMUM_ALLOWED alone names all of them.
func (d *denial) asked(bit winnt.AccessMask) bool { return d.why.Asked == 0 || d.why.Asked&bit != 0 }

// clause describes one reason of the denial as a part of the sentence. what names the rights that are missing for it.
// Any other kind of reason gives the text of last.
func (d *denial) clause(r *access.Reason, what string) string {
	switch r.Kind {
	case access.AceDeny:
		return d.entry(r, "denies "+what)
	case access.NoAce:
		return "no entry grants " + what + d.groups() + d.condition()
	case access.EmptyDacl:
		return "the DACL is empty, which grants nothing"
	case access.Privilege:
		return "the request needs " + r.Privilege.String() + ", which is not enabled"
	case access.IntegrityPolicy:
		return "the user's integrity level, " + d.name(sid.IntegrityLevel(d.request.Subject.Effective().Integrity())) +
			", is below the object's, whose label forbids " + what
	case access.CentralAccessRule:
		return "the central access rule " + fmt.Sprintf("%.60q", r.Name) + " does not grant " + what
	case access.RestrictedPass:
		if r.Index < 0 {
			return "the token is restricted, and no entry grants " + what + " to a restricting SID"
		}
		return d.entry(r, "denies "+what+" to a restricting SID")
	case access.AppContainerPass:
		if r.Index < 0 {
			return "no entry grants " + what + " to the package or its capabilities"
		}
		return d.entry(r, "denies "+what+" to the package or its capabilities")
	case access.TrustLabel, access.AccessFilter:
		return d.entry(r, "limits the rights and leaves out "+what)
	}
	return d.last()
}

// condition returns a clause about the first entry that allows a right that is missing, but has a condition that is not
// true. It returns "" if there is no such entry.
func (d *denial) condition() string {
	for i := range d.why.Steps {
		s := &d.why.Steps[i]
		if s.Unmet == "" || s.List != "DACL" || s.Granted || s.Bits != 0 {
			continue
		}
		if a := d.request.Descriptor.DACL().At(s.ACE); effectOf(a) == "Allow" && d.missing(a.Mask()) {
			return fmt.Sprintf("; entry %d would, but %s: %s", s.ACE+1, s.Because, s.Unmet)
		}
	}
	return ""
}

// missing reports whether a mask has a requested right that was not granted. READ_CONTROL and SYNCHRONIZE, which most
// entries have, count only if nothing else is missing.
func (d *denial) missing(m winnt.AccessMask) bool {
	const shared = winnt.READ_CONTROL | winnt.SYNCHRONIZE
	var lost winnt.AccessMask
	for _, r := range d.why.Reasons {
		if !r.Granted && d.asked(r.Bit) {
			lost |= r.Bit
		}
	}
	if lost&^shared != 0 {
		lost &^= shared
	}
	return d.request.Type.Mapping.Map(m)&lost != 0
}

// last returns the reason of the last step, for a check that ended before it tested a right. An example is a caller
// below the needed impersonation level.
func (d *denial) last() string {
	if n := len(d.why.Steps); n > 0 {
		return d.why.Steps[n-1].Because
	}
	return "the request is not valid"
}

// entry describes the ACL entry of a reason: its number from 1 and its content. does is the verb of the clause. An
// entry that the list does not have is named by its list alone.
func (d *denial) entry(r *access.Reason, does string) string {
	list := d.request.Descriptor.DACL()
	if r.List != "DACL" {
		list = d.request.Descriptor.SACL()
	}
	if r.Index < 0 || r.Index >= list.Len() {
		return "the " + r.List + " " + does
	}
	a := list.At(r.Index)
	return fmt.Sprintf("entry %d of the %s %s (%s)", r.Index+1, r.List, does, d.content(a))
}

// content returns the effect, the account and the rights of an entry, separated by commas. An account of a domain has
// its SID after its name.
func (d *denial) content(a sd.ACE) string {
	parts := []string{effectOf(a), d.name(a.SID())}
	if a.Type().IsCallback() {
		parts[0] += " with a condition"
	}
	if a.Flags()&sd.Inherited != 0 {
		parts[0] += " (inherited)"
	}
	if s := a.SID(); d.nameOf(s) != "" && s.Authority() == 5 && s.SubAuthorities() > 2 {
		parts[1] += " " + s.String()
	}
	all := &d.request.Type.Mapping
	rights := words.Names(all.Map(a.Mask()), all.All, d.request.Type)
	if on := words.Entry(a); on != "" {
		rights += " " + on
	}
	return strings.Join(append(parts, rights), ", ")
}

// effectOf returns Deny or Allow for an entry of a DACL. For another entry it returns its type in words, such as
// "system audit".
func effectOf(a sd.ACE) string {
	name := strings.TrimSuffix(a.Type().String(), "_ACE_TYPE")
	switch {
	case strings.HasPrefix(name, "ACCESS_DENIED"):
		return "Deny"
	case strings.HasPrefix(name, "ACCESS_ALLOWED"):
		return "Allow"
	}
	return strings.ToLower(strings.ReplaceAll(name, "_", " "))
}

// groups returns the user's groups as text in brackets, to show why no entry applied. Groups that all users or all
// logons have are left out. At most mostGroups are named, and the others counted. If there are none, the text says
// so.
func (d *denial) groups() string {
	var names []string
	for _, g := range d.request.Subject.Effective().Groups() {
		s := g.SID
		if g.Attributes&winnt.SE_GROUP_ENABLED == 0 || s.SubAuthorities() < 2 || s.Authority() != 5 && s.Authority() != 22 ||
			g.Attributes&winnt.SE_GROUP_LOGON_ID == winnt.SE_GROUP_LOGON_ID {
			continue
		}
		if name := d.name(s); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	who := " (" + cmp.Or(inLine(d.nameOf(d.user())), "the user") + " is in "
	switch n := len(names); {
	case n == 0:
		return who + "no group but those of every user)"
	case n > mostGroups:
		return who + strings.Join(names[:mostGroups], ", ") + " and " +
			count(n-mostGroups, "other group", "other groups") + ")"
	}
	return who + strings.Join(names, ", ") + ")"
}

// user returns the SID of the token that the denied request used: the client's while impersonating, otherwise
// the process's.
func (d *denial) user() sid.SID { return d.request.Subject.Effective().User().SID }

// name returns the name of a SID, or the SID if it has none.
func (d *denial) name(s sid.SID) string {
	if name := inLine(d.nameOf(s)); name != "" {
		return name
	}
	return s.String()
}
