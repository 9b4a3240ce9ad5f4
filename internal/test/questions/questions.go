// Package questions generates random access checks with every feature of the check, for tests that compare two
// implementations.
package questions

import (
	"math/rand/v2"
	"strconv"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// World makes random questions from a small universe, so that SIDs, bits,
// GUIDs and attributes meet often.
type World struct{ *rand.Rand }

const maximum, sacl = winnt.MAXIMUM_ALLOWED, winnt.ACCESS_SYSTEM_SECURITY

var (
	user       = sid.MustParse("S-1-5-21-1-2-3-1001")
	group      = sid.MustParse("S-1-5-21-1-2-3-2001")
	other      = sid.MustParse("S-1-5-21-1-2-3-1002")
	pkg        = sid.MustParse("S-1-15-2-1-2-3")
	capability = sid.MustParse("S-1-15-3-1")

	sids = []sid.SID{
		user, group, other, sid.Everyone, sid.Everyone, sid.Everyone, sid.Administrators, sid.LocalSystem, sid.Restricted,
		sid.WriteRestricted,
		sid.OwnerRights, sid.PrincipalSelf, sid.CreatorOwner, pkg, capability, sid.AllAppPackages,
		sid.AllRestrictedAppPackages,
	}
	masks = []winnt.AccessMask{
		1, 2, 3, 4, 0x10, 0x20, 0x120089, 0x1F01FF, 0x20000, 0x40000, 0x60000, 0x80000, 0x10000, 0xF0000,
		winnt.GENERIC_READ, winnt.GENERIC_WRITE, winnt.GENERIC_ALL, winnt.GENERIC_ALL, winnt.GENERIC_ALL, winnt.GENERIC_ALL,
		0x01000001, 0x03000001, 0xFFFFFFFF, 0,
	}
	desired = []winnt.AccessMask{
		1, 2, 3, 0x21, 0x20000, 0x60000, 0x80000, 0x80001, 0x10000, 0x120089, 0x1F01FF, sacl, sacl |
			1, winnt.GENERIC_READ, winnt.GENERIC_EXECUTE, winnt.GENERIC_WRITE,
		maximum, maximum, maximum, maximum, maximum, maximum, maximum, maximum, maximum | 1, maximum |
			0x80000, maximum | sacl, maximum | winnt.GENERIC_WRITE,
	}
	// Types are the types of object asked about.
	Types = []*winnt.ObjectType{winnt.FileObject, winnt.FileObject, winnt.KeyObject, winnt.ProcessObject,
		winnt.DirectoryServiceObject}
	// overlapping is the mapping of a type whose rights to read, to write and to execute are in part the same.
	overlapping = &winnt.GenericMapping{Read: 0x20011, Write: 0x20033, Execute: 0x20122, All: 0xF01FF}

	labels = []string{"S-1-16-0", "S-1-16-4096", "S-1-16-8192", "S-1-16-12288", "S-1-16-16384"}
	trust  = []string{"S-1-19-512-1024", "S-1-19-512-8192", "S-1-19-1024-8192", "S-1-19-1024-4096"}
	guids  = func() (out []winnt.GUID) {
		for i := range 6 {
			out = append(out, winnt.GUID{0: byte(i + 1)})
		}
		return out
	}()
)

func pick[T any](w World, from []T) T { return from[w.IntN(len(from))] }

func (w World) one(in int) bool { return w.IntN(in) == 0 }

func (w World) sid() sid.SID { return pick(w, sids) }

// ace returns a random entry for a DACL. A few have a type that does not belong in a DACL.
func (w World) ace() sd.ACE {
	types := []sd.Type{0, 0, 0, 0, 1, 1, 4, 5, 5, 6, 9, 9, 0xA, 0xB, 0xC, 2, 0x11, 0xD}
	return w.aceOf(pick(w, types), pick(w, masks), w.sid())
}

// aceOf returns an entry with random flags and, if the type has them, a random object type and condition. It panics
// if the parts make no entry.
func (w World) aceOf(t sd.Type, m winnt.AccessMask, s sid.SID) sd.ACE {
	var flags uint8
	if w.one(8) {
		flags = uint8(w.IntN(32))
	}
	var x sd.ACEExtra
	if t.Layout() == sd.LayoutObject && !w.one(4) {
		g := pick(w, guids)
		x.ObjectType = &g
	}
	if t.Layout() == sd.LayoutCompound {
		x.ClientSID = w.sid()
	}
	if t.IsCallback() {
		switch w.IntN(8) {
		case 0: // opaque
			x.AppData = []byte{1, 2, 3, 4}
		case 1: // malformed
			x.AppData = []byte("artx\xff\xff\xff\xff")
		case 2: // none
		default:
			x.AppData = w.Program()
		}
	}
	a, err := sd.NewACE(t, flags, m, s, x)
	if err != nil {
		panic(err)
	}
	return a
}

// acl returns a list of n entries, each made by one. It panics if they do not fit.
func (w World) acl(n int, one func() sd.ACE) *sd.ACL {
	aces := make([]sd.ACE, n)
	for i := range aces {
		aces[i] = one()
	}
	l, err := sd.NewACL(aces...)
	if err != nil {
		panic(err)
	}
	return l
}

// systemACE returns a random entry for a SACL: a label, a filter, a policy, an attribute or an audit entry.
func (w World) systemACE() sd.ACE {
	switch n := w.IntN(9); n {
	case 0, 1, 2:
		return w.systemOf([]sd.Type{sd.SystemMandatoryLabel, sd.SystemProcessTrustLabel, sd.SystemAccessFilter}[n])
	case 3, 6, 7:
		return w.systemOf(sd.SystemScopedPolicyID)
	case 4, 5:
		return w.systemOf(sd.SystemResourceAttribute)
	}
	return w.aceOf(2, 1, sid.Everyone)
}

// systemOf returns a policy id, a label, a trust label, a resource attribute or an access filter.
func (w World) systemOf(kind sd.Type) sd.ACE {
	switch kind {
	case sd.SystemScopedPolicyID:
		return w.aceOf(kind, 0, sid.MustParse(pick(w, []string{"S-1-17-1", "S-1-17-2", "S-1-17-9"})))
	case sd.SystemMandatoryLabel:
		return w.aceOf(kind, winnt.AccessMask(w.IntN(8)), sid.MustParse(pick(w, append(labels, "S-1-1-0"))))
	case sd.SystemProcessTrustLabel:
		return w.aceOf(kind, pick(w, masks), sid.MustParse(pick(w, append(trust, "S-1-1-0", "S-1-19-512",
			"S-1-19-512-1024-1", "S-1-5-512-1024"))))
	}
	if kind == sd.SystemResourceAttribute {
		e, err := sd.NewACE(kind, uint8(w.IntN(2)*8), 0, sid.Everyone, sd.ACEExtra{AppData: w.resource()})
		if err != nil {
			panic(err)
		}
		return e
	}
	return w.aceOf(sd.SystemAccessFilter, pick(w, masks), sid.Everyone)
}

// system returns the entries of a SACL, or nil for none. It draws each kind that a check reads often enough.
func (w World) system() (out []sd.ACE) {
	if w.one(2) {
		for range w.IntN(4) {
			out = append(out, w.systemACE())
		}
	}
	for w.one(4) { // several, the first of a name counts
		out = append(out, w.systemOf(sd.SystemResourceAttribute), w.systemOf(sd.SystemResourceAttribute))
	}
	if w.one(4) {
		out = append(out, w.systemOf(sd.SystemScopedPolicyID))
	}
	for _, kind := range []sd.Type{sd.SystemMandatoryLabel, sd.SystemProcessTrustLabel, sd.SystemAccessFilter} {
		if w.one(12) {
			out = append(out, w.systemOf(kind))
		}
	}
	return out
}

// Descriptor returns a random descriptor. Its owner and each list may be missing.
func (w World) Descriptor() *sd.Descriptor {
	p := sd.Parts{Owner: w.sid(), Group: sid.LocalSystem}
	if w.one(20) {
		p.Owner = sid.SID{}
	}
	if !w.one(9) {
		p.DACL = w.acl(w.IntN(7), w.ace)
	}
	if system := w.system(); system != nil {
		p.SACL = w.acl(len(system), func() (a sd.ACE) { a, system = system[0], system[1:]; return a })
	}
	return sd.New(p)
}

// Tree returns a random preorder tree over distinct GUIDs.
func (w World) Tree() []access.ObjectTypeEntry {
	n := 1 + w.IntN(len(guids)-1)
	perm := w.Perm(len(guids))
	list := []access.ObjectTypeEntry{{GUID: guids[perm[0]]}}
	for i := 1; i < n; i++ {
		list = append(list, access.ObjectTypeEntry{Level: uint16(1 + w.IntN(min(4, int(list[i-1].Level)+1))),
			GUID: guids[perm[i]]})
	}
	return list
}

// Policies returns two central access policies, for the ids that the descriptors name.
func (w World) Policies() *access.PolicySet {
	s := &access.PolicySet{}
	for _, id := range []string{"S-1-17-1", "S-1-17-2"} {
		p := access.Policy{ID: sid.MustParse(id), Name: id}
		for i := range w.IntN(3) {
			r := access.Rule{Name: "rule " + strconv.Itoa(i), Descriptor: w.Descriptor()}
			if w.one(3) {
				r.AppliesTo = w.condition()
			}
			p.Rules = append(p.Rules, r)
		}
		s.Policies = append(s.Policies, p)
	}
	return s
}

// Request returns a random question about a descriptor, with random rights, mapping and object types.
func (w World) Request(d *sd.Descriptor, client, primary *token.Token) *access.Request {
	r := &access.Request{
		Descriptor: d, Desired: pick(w, desired), Type: pick(w, Types),
		Subject: access.Subject{Primary: primary, Client: client, Level: winnt.SecurityImpersonation},
	}
	if w.one(3) {
		r.Self = w.sid()
	}
	if w.one(3) {
		r.ObjectTypes = w.Tree()
	}
	if w.one(6) {
		r.Intent = access.Intent{Backup: w.one(2), Restore: w.one(2)}
	}
	if w.one(6) {
		r.Previous = pick(w, masks) &^ (winnt.MAXIMUM_ALLOWED | winnt.GENERIC_RIGHTS)
	}
	if !w.one(3) {
		r.Policies = w.Policies()
	}
	if w.one(8) {
		r.Mapping = overlapping
	}
	r.Options.ADOwnerReadOnly = w.one(8)
	r.Options.ClaimsDisabled = w.one(20)
	return r
}
