package access_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/randtest"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// world makes random questions from a small universe, so that SIDs, bits,
// GUIDs and attributes meet often.
type world struct{ *rand.Rand }

var (
	worldSIDs = []sid.SID{
		caseU, caseG, caseOther, sid.Everyone, sid.Administrators, sid.LocalSystem, sid.Restricted, sid.WriteRestricted,
		sid.OwnerRights, sid.PrincipalSelf, sid.CreatorOwner, casePkg, caseCap, sid.AllAppPackages, sid.AllRestrictedAppPackages,
	}
	worldMasks = []winnt.AccessMask{
		1, 2, 3, 4, 0x10, 0x20, 0x120089, 0x1F01FF, 0x20000, 0x40000, 0x60000, 0x80000, 0x10000, 0xF0000,
		winnt.GENERIC_READ, winnt.GENERIC_WRITE, winnt.GENERIC_ALL, 0x01000001, 0x03000001, 0xFFFFFFFF, 0,
	}
	worldDesired = []winnt.AccessMask{
		1, 2, 3, 0x21, 0x20000, 0x60000, 0x80000, 0x80001, 0x10000, 0x120089, 0x1F01FF, saclBit, saclBit | 1, winnt.GENERIC_READ,
		winnt.GENERIC_EXECUTE, maxMask, maxMask, maxMask | 1, maxMask | 0x80000, maxMask | saclBit, maxMask | winnt.GENERIC_WRITE, 0x40000000,
	}
	worldTypes  = []*winnt.ObjectType{winnt.FileObject, winnt.FileObject, winnt.KeyObject, winnt.ProcessObject, winnt.DirectoryServiceObject}
	worldLabels = []string{"S-1-16-0", "S-1-16-4096", "S-1-16-8192", "S-1-16-12288", "S-1-16-16384"}
	worldTrust  = []string{"S-1-19-512-1024", "S-1-19-512-8192", "S-1-19-1024-8192", "S-1-19-1024-4096"}
	worldConds  = []string{
		"(@User.x == 1)", "(@User.x)", "(@User.none == 1)", "(Exists @Resource.r)", `(@Resource.r == "a")`, "(Member_of{SID(WD)})",
		"(Member_of{SID(BA)})", "(Member_of_any{SID(BA),SID(WD)})", "(Device_Member_of{SID(BA)})", "(Not_Device_Member_of_any{SID(BG)})",
		"(!(@User.x == 1))", "(@Device.d Contains {1,2})", "(local == 1)", "(Member_of{SID(OW)} || @User.none)", "(Member_of{SID(PS)})",
		"(@User.x == 1 && Member_of{SID(RC)})",
	}
	worldGUIDs = func() (out []winnt.GUID) {
		for i := range 6 {
			out = append(out, winnt.GUID{0: byte(i + 1)})
		}
		return out
	}()
	worldExprs = func() (out []*claims.Expr) {
		for _, c := range worldConds {
			x, _, err := claims.ParseExpr(c, claims.ParseOptions{SID: func(text string) (sid.SID, int, error) { return sid.Scan(text, domain) }})
			if err != nil {
				panic(fmt.Sprint(c, ": ", err))
			}
			out = append(out, x)
		}
		return out
	}()
)

func pick[T any](w world, from []T) T { return from[w.IntN(len(from))] }

func (w world) one(in int) bool { return w.IntN(in) == 0 }

func (w world) sid() sid.SID { return pick(w, worldSIDs) }

// ace is any entry for a DACL, now and then one that does not belong there.
func (w world) ace() sd.ACE {
	types := []sd.Type{0, 0, 0, 0, 1, 1, 4, 5, 5, 6, 9, 9, 0xA, 0xB, 0xC, 2, 0x11, 0xD}
	return w.aceOf(pick(w, types), pick(w, worldMasks), w.sid())
}

func (w world) aceOf(t sd.Type, m winnt.AccessMask, s sid.SID) sd.ACE {
	var flags uint8
	if w.one(8) {
		flags = uint8(w.IntN(32))
	}
	var x sd.ACEExtra
	if t.Layout() == sd.LayoutObject && !w.one(4) {
		g := pick(w, worldGUIDs)
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
			x.AppData = pick(w, worldExprs).Encode()
		}
	}
	a, err := sd.NewACE(t, flags, m, s, x)
	if err != nil {
		panic(err)
	}
	return a
}

func (w world) acl(n int, one func() sd.ACE) *sd.ACL {
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

func (w world) systemACE() sd.ACE {
	switch w.IntN(7) {
	case 0:
		return w.aceOf(0x11, winnt.AccessMask(w.IntN(8)), sid.MustParse(pick(w, append(worldLabels, "S-1-1-0"))))
	case 1:
		return w.aceOf(0x14, pick(w, worldMasks), sid.MustParse(pick(w, append(worldTrust, "S-1-1-0"))))
	case 2:
		return w.aceOf(0x15, pick(w, worldMasks), sid.Everyone)
	case 3:
		return w.aceOf(0x13, 0, sid.MustParse(pick(w, []string{"S-1-17-1", "S-1-17-2", "S-1-17-9"})))
	case 4, 5:
		a := texts("r", pick(w, []string{"a", "b"}))
		e, err := sd.NewACE(0x12, uint8(w.IntN(2)*8), 0, sid.Everyone, sd.ACEExtra{AppData: a.Append(nil)})
		if err != nil {
			panic(err)
		}
		return e
	}
	return w.aceOf(2, 1, sid.Everyone)
}

func (w world) descriptor() *sd.Descriptor {
	p := sd.Parts{Owner: w.sid(), Group: sid.LocalSystem}
	if w.one(20) {
		p.Owner = sid.SID{}
	}
	if !w.one(12) {
		p.DACL = w.acl(w.IntN(7), w.ace)
	}
	if w.one(3) {
		p.SACL = w.acl(w.IntN(4), w.systemACE)
	}
	return sd.New(p)
}

func (w world) groups(n int) (out []token.Group) {
	attributes := []uint32{enabled, enabled, enabled, 4, 0, denyOnly, 3}
	for range n {
		out = append(out, token.Group{SID: w.sid(), Attributes: pick(w, attributes)})
	}
	return out
}

func (w world) spec() token.Spec {
	s := baseSpec()
	s.User.SID = pick(w, []sid.SID{caseU, caseOther, caseG})
	if w.one(10) {
		s.User.Attributes = denyOnly
	}
	s.Groups = w.groups(w.IntN(6))
	if w.one(3) {
		ps := []winnt.Privilege{winnt.SeSecurityPrivilege, winnt.SeTakeOwnershipPrivilege, winnt.SeRelabelPrivilege, winnt.SeBackupPrivilege, winnt.SeRestorePrivilege}
		for _, p := range ps {
			if w.one(2) {
				s.Privileges |= p.Bit()
				if w.one(2) {
					s.EnabledPrivileges |= p.Bit()
				}
			}
		}
	}
	s.Integrity = sid.MustParse(pick(w, append(worldLabels, "S-1-16-8192", "S-1-16-8192", "S-1-16-8192")))
	s.MandatoryPolicy = uint32(w.IntN(4))
	if w.one(4) {
		for _, g := range w.groups(w.IntN(4)) {
			s.Restricted = append(s.Restricted, token.Group{SID: g.SID})
		}
		s.IsRestricted = true
		s.WriteRestricted = w.one(2)
	}
	if w.one(4) {
		s.Package = casePkg
		s.LowPrivilege = w.one(3)
		s.Capabilities = []token.Group{{SID: caseCap, Attributes: uint32(w.IntN(2)) * 4}}
		if s.Capabilities[0].Attributes == 0 {
			s.Capabilities[0].Attributes = winnt.SE_GROUP_MANDATORY
		}
	}
	if w.one(3) {
		s.UserClaims = claimSet(ints("x", int64(w.IntN(3))))
		s.DeviceClaims = claimSet(ints("d", 1, 2, 3))
		s.LocalAttributes = claimSet(ints("local", int64(w.IntN(2))))
		s.DeviceGroups = w.groups(w.IntN(3))
		for range w.IntN(2) {
			s.RestrictedDeviceGroups = append(s.RestrictedDeviceGroups, token.Group{SID: w.sid()})
		}
	}
	if w.one(4) {
		s.TrustLevel = sid.MustParse(pick(w, worldTrust))
	}
	return s
}

// tree is a random preorder tree over distinct GUIDs.
func (w world) tree() []access.ObjectTypeEntry {
	n := 1 + w.IntN(len(worldGUIDs)-1)
	perm := w.Perm(len(worldGUIDs))
	list := []access.ObjectTypeEntry{{GUID: worldGUIDs[perm[0]]}}
	for i := 1; i < n; i++ {
		list = append(list, access.ObjectTypeEntry{Level: uint16(1 + w.IntN(min(4, int(list[i-1].Level)+1))), GUID: worldGUIDs[perm[i]]})
	}
	return list
}

func (w world) policies() *access.PolicySet {
	s := &access.PolicySet{}
	for _, id := range []string{"S-1-17-1", "S-1-17-2"} {
		p := access.Policy{ID: sid.MustParse(id), Name: id}
		for i := range w.IntN(3) {
			r := access.Rule{Name: "rule " + strconv.Itoa(i), Descriptor: w.descriptor()}
			if w.one(2) {
				r.AppliesTo = pick(w, worldExprs)
			}
			p.Rules = append(p.Rules, r)
		}
		s.Policies = append(s.Policies, p)
	}
	return s
}

func (w world) request(d *sd.Descriptor, client, primary *token.Token) *access.Request {
	r := &access.Request{
		Descriptor: d, Desired: pick(w, worldDesired), Type: pick(w, worldTypes),
		Subject: access.Subject{Primary: primary, Client: client, Level: winnt.SecurityImpersonation},
	}
	if w.one(3) {
		r.Self = w.sid()
	}
	if w.one(3) {
		r.ObjectTypes = w.tree()
	}
	if w.one(6) {
		r.Intent = access.Intent{Backup: w.one(2), Restore: w.one(2)}
	}
	if w.one(6) {
		r.Previous = pick(w, worldMasks) &^ (winnt.MAXIMUM_ALLOWED | winnt.GENERIC_RIGHTS)
	}
	if w.one(3) {
		r.Policies = w.policies()
	}
	r.Options.ADOwnerReadOnly = w.one(10)
	r.Options.ClaimsDisabled = w.one(20)
	return r
}

// TestTwin compares every entry point with the oracle on random questions:
// plain and by type, result list, explain, from bytes.
func TestTwin(t *testing.T) {
	w := world{rand.New(rand.NewPCG(randtest.Seed(t), 0))}
	n := randtest.Count(t, "REFMON_PAIRS", 100_000)
	allowed := 0
	for i := 0; i < n; {
		d := w.descriptor()
		client, primary := mustToken(t, w.spec()), mustToken(t, w.spec())
		for range 8 {
			r := w.request(d, client, primary)
			if compareWithTwin(t, w, r) {
				allowed++
			}
			i++
			if t.Failed() {
				t.Fatalf("pair %d: desired %#x previous %#x type %s self %v tree %v\nsd %x\ntoken %+v", i, uint32(r.Desired), uint32(r.Previous), r.Type.Name, r.Self, r.ObjectTypes, d.Binary(), client.Spec())
			}
		}
	}
	t.Logf("%d pairs compared, %d allowed", n, allowed)
}

func compareWithTwin(t *testing.T, w world, r *access.Request) (allowed bool) {
	want := newTwin(r).single()
	got, err := access.SeAccessCheck(r)
	if err != nil || got != want {
		t.Errorf("SeAccessCheck: %+v, %v; the twin says %+v", got, err, want)
	}
	explained, x, err := access.Explain(r)
	if err != nil || explained != got {
		t.Errorf("Explain: %+v, %v; the plain check says %+v", explained, err, got)
	}
	checkReasons(t, x, r)
	if len(r.ObjectTypes) > 0 {
		compareLists(t, r)
	}
	compareNative(t, r, want)
	if r.Self.IsZero() && r.ObjectTypes == nil && r.Intent == (access.Intent{}) && r.Policies == nil && r.Previous == 0 && !r.Options.ADOwnerReadOnly && !r.Options.ClaimsDisabled {
		alone := *r
		alone.Subject = access.Subject{Primary: r.Subject.Client}
		want = newTwin(&alone).single()
		if got, err = access.Check(r.Subject.Client, r.Descriptor, r.Desired, r.Type); err != nil || got != want {
			t.Errorf("Check: %+v, %v; the twin says %+v", got, err, want)
		}
		if got, err = access.CheckBytes(r.Subject.Client, r.Descriptor.Binary(), r.Desired, r.Type); err != nil || got != want {
			t.Errorf("CheckBytes: %+v, %v; the twin says %+v", got, err, want)
		}
	}
	return want.Allowed()
}

func compareLists(t *testing.T, r *access.Request) {
	want, used := newTwin(r).each()
	got, d, err := access.CheckResultList(r)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) || d.PrivilegesUsed != used {
		t.Errorf("CheckResultList: %v %v, %v; the twin says %v %v", got, d.PrivilegesUsed, err, want, used)
	}
	if d.Status != want[0].Status {
		t.Errorf("CheckResultList: decision %v, root %v", d, want[0])
	}
	explained, _, _, err := access.ExplainResultList(r)
	if err != nil || fmt.Sprint(explained) != fmt.Sprint(got) {
		t.Errorf("ExplainResultList: %v, %v; the plain check says %v", explained, err, got)
	}
}

// compareNative asks the system call's face where it takes the question.
func compareNative(t *testing.T, r *access.Request, want access.Decision) {
	if r.Desired&winnt.GENERIC_RIGHTS != 0 || r.Previous != 0 || r.Descriptor.Owner().IsZero() || r.Descriptor.Group().IsZero() {
		return
	}
	call, got := access.NtAccessCheck(r)
	if call != ntstatus.Success || got != want {
		t.Errorf("NtAccessCheck: %v, %+v; the twin says %+v", call, got, want)
	}
	if len(r.ObjectTypes) > 0 {
		nodes, _ := newTwin(r).each()
		call, results, _ := access.NtAccessCheckResultList(r)
		if call != ntstatus.Success || fmt.Sprint(results) != fmt.Sprint(nodes) {
			t.Errorf("NtAccessCheckResultList: %v %v; the twin says %v", call, results, nodes)
		}
	}
}

// checkReasons holds every explanation to what section 11 promises: each bit
// asked for has one reason, which agrees with the decision.
func checkReasons(t *testing.T, x *access.Explanation, r *access.Request) {
	var covered winnt.AccessMask
	for _, b := range x.Reasons {
		covered |= b.Bit
		if b.Reason.Kind == 0 {
			t.Errorf("bit %#x has no reason", uint32(b.Bit))
		}
		if x.Decision.Granted&b.Bit != 0 && !b.Granted {
			t.Errorf("bit %#x was granted, its reason says %v", uint32(b.Bit), b.Reason)
		}
		if x.Decision.Allowed() && b.Granted && x.Decision.Granted&b.Bit == 0 {
			t.Errorf("bit %#x was not granted, its reason says %v", uint32(b.Bit), b.Reason)
		}
	}
	if missing := x.Asked &^ covered; missing != 0 {
		t.Errorf("no reason for %#x", uint32(missing))
	}
	if !x.Decision.Allowed() && x.Asked != 0 {
		denied := false
		for _, b := range x.Reasons {
			denied = denied || !b.Granted
		}
		if !denied {
			t.Errorf("denied without a bit that is denied: %v", x.Reasons)
		}
	}
	for _, s := range x.Steps {
		if s.Rule == "" || s.Because == "" {
			t.Errorf("step without rule or sentence: %+v", s)
		}
		if s.ACE >= 0 && s.Entry() == "" {
			t.Errorf("step without the entry's text: %+v", s)
		}
	}
	_ = x.String()
}
