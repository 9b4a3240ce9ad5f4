package effective_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/questions"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// world makes random principals, descriptors and requests from few SIDs, bits, GUIDs and attributes, so that these
// often match.
type world struct{ *rand.Rand }

const (
	saclBit = winnt.ACCESS_SYSTEM_SECURITY
	maxMask = winnt.MAXIMUM_ALLOWED
)

var (
	worldDomain = sid.MustParse("S-1-5-21-1-2-3")
	worldPkg    = sid.MustParse("S-1-15-2-1-2-3-4-5-6-7")
	worldCap    = sid.MustParse("S-1-15-3-1")
	worldUsers  = func() (out []sid.SID) {
		for i := range 40 {
			out = append(out, worldDomain.WithRID(uint32(1000+i)))
		}
		return out
	}()
	worldSIDs = []sid.SID{
		worldUsers[0], worldUsers[1], worldUsers[2], sid.Everyone, sid.Everyone, sid.AuthenticatedUsers, sid.Administrators,
		sid.LocalSystem, sid.Restricted,
		sid.WriteRestricted, sid.OwnerRights, sid.PrincipalSelf, sid.CreatorOwner, worldPkg, worldCap, sid.AllAppPackages,
		sid.AllRestrictedAppPackages,
	}
	worldMasks = []winnt.AccessMask{
		1, 2, 3, 4, 0x10, 0x20, 0x120089, 0x1F01FF, 0x20000, 0x40000, 0x60000, 0x80000, 0x10000, 0xF0000,
		winnt.GENERIC_READ, winnt.GENERIC_WRITE, winnt.GENERIC_ALL, 0x01000001, 0x03000001, 0xFFFFFFFF, 0,
	}
	worldDesired = []winnt.AccessMask{
		0, 1, 2, 3, 0x21, 0x20000, 0x60000, 0x80000, 0x80001, 0x10000, 0x120089, 0x1F01FF, saclBit, saclBit | 1,
		winnt.GENERIC_READ, 0x04000000,
		winnt.GENERIC_EXECUTE, maxMask, maxMask, maxMask | 1, maxMask | 0x80000, maxMask | saclBit, maxMask |
			winnt.GENERIC_WRITE, 0x40000000, 0xFFFFFFFF,
	}
	worldTypes = []*winnt.ObjectType{winnt.FileObject, winnt.FileObject, winnt.KeyObject, winnt.ProcessObject,
		winnt.DirectoryServiceObject, winnt.PortObject}
	worldLabels = []string{"S-1-16-0", "S-1-16-4096", "S-1-16-8192", "S-1-16-12288", "S-1-16-16384"}
	worldTrust  = []string{"S-1-19-512-1024", "S-1-19-512-8192", "S-1-19-1024-8192", "S-1-19-1024-4096"}
	worldGUIDs  = []winnt.GUID{{0: 1}, {0: 2}, {0: 3}, {0: 4}}
	worldExprs  = func() (out []*claims.Expr) {
		for _, c := range []string{
			"(@User.x == 1)", "(@User.x)", "(Exists @Resource.r)", `(@Resource.r == "a")`, "(Member_of{SID(WD)})",
			"(Member_of{SID(BA)})",
			"(Member_of_any{SID(BA),SID(WD)})", "(Device_Member_of{SID(BA)})", "(!(@User.x == 1))",
			"(@Device.d Contains {1,2})", "(local == 1)",
			"(Member_of{SID(OW)} || @User.none)", "(Member_of{SID(PS)})",
		} {
			x, _, err := claims.ParseExpr(c, claims.ParseOptions{SID: func(text string) (sid.SID, int,
				error) {
				return sid.Scan(text, worldDomain)
			}})
			if err != nil {
				panic(fmt.Sprint(c, ": ", err))
			}
			out = append(out, x)
		}
		return out
	}()
)

func pick[T any](w world, from []T) T { return from[w.IntN(len(from))] }

func (w world) chance(in int) bool { return w.IntN(in) == 0 }

func (w world) ace(plain bool) sd.ACE {
	types := []sd.Type{0, 0, 0, 0, 1, 1, 4, 5, 5, 6, 9, 9, 0xA, 0xB, 0xC, 2, 0x11, 0xD}
	if plain {
		types = []sd.Type{0, 0, 0, 1, 1, 5, 6}
	}
	return w.aceOf(pick(w, types), pick(w, worldMasks), pick(w, worldSIDs))
}

func (w world) aceOf(t sd.Type, m winnt.AccessMask, s sid.SID) sd.ACE {
	var flags uint8
	if w.chance(8) {
		flags = uint8(w.IntN(32))
	}
	var x sd.ACEExtra
	if t.Layout() == sd.LayoutObject && !w.chance(4) {
		g := pick(w, worldGUIDs)
		x.ObjectType = &g
	}
	if t.Layout() == sd.LayoutCompound {
		x.ClientSID = pick(w, worldSIDs)
	}
	if t.IsCallback() {
		switch w.IntN(8) {
		case 0: // opaque
			x.AppData = []byte{1, 2, 3, 4}
		case 1: // malformed
			x.AppData = []byte("artx\xff\xff\xff\xff")
		case 2: // no data
		default:
			x.AppData = pick(w, worldExprs).Encode()
		}
	}
	return check.Must(sd.NewACE(t, flags, m, s, x))
}

func (w world) systemACE(plain bool) sd.ACE {
	n := w.IntN(7)
	if plain {
		n = 0
	}
	switch n {
	case 0:
		return w.aceOf(0x11, winnt.AccessMask(w.IntN(8)), sid.MustParse(pick(w, append(worldLabels, "S-1-1-0"))))
	case 1:
		return w.aceOf(0x14, pick(w, worldMasks), sid.MustParse(pick(w, append(worldTrust, "S-1-1-0"))))
	case 2:
		return w.aceOf(0x15, pick(w, worldMasks), sid.Everyone)
	case 3:
		return w.aceOf(0x13, 0, sid.MustParse(pick(w, []string{"S-1-17-1", "S-1-17-9"})))
	case 4, 5:
		a := claims.Attribute{Name: "r", Type: claims.String, Strings: []string{pick(w, []string{"a", "b"})}}
		return check.Must(sd.NewACE(0x12, uint8(w.IntN(2)*8), 0, sid.Everyone, sd.ACEExtra{AppData: a.Append(nil)}))
	}
	return w.aceOf(2, 1, sid.Everyone)
}

func (w world) descriptor() *sd.Descriptor {
	plain := w.chance(2)
	acl := func(n int, one func(bool) sd.ACE) *sd.ACL {
		aces := make([]sd.ACE, n)
		for i := range aces {
			aces[i] = one(plain)
		}
		return check.Must(sd.NewACL(aces...))
	}
	p := sd.Parts{Owner: pick(w, worldSIDs), Group: sid.LocalSystem}
	if w.chance(20) {
		p.Owner = sid.SID{}
	}
	if !w.chance(12) {
		p.DACL = acl(w.IntN(8), w.ace)
	}
	if w.chance(3) {
		p.SACL = acl(w.IntN(4), w.systemACE)
	}
	return sd.New(p)
}

func (w world) groups(n int) (out []token.Group) {
	for range n {
		out = append(out, token.Group{SID: pick(w, worldSIDs), Attributes: pick(w, []uint32{7, 7, 7, 4, 0, 0x10, 3})})
	}
	return out
}

func (w world) claims(name string, values ...int64) *claims.Set {
	return check.Must(claims.NewSet([]claims.Attribute{{Name: name, Type: claims.Int64, Ints: values}}))
}

func (w world) token() *token.Token {
	s := token.Spec{User: token.Group{SID: pick(w, worldUsers)}, Groups: w.groups(w.IntN(6))}
	if w.chance(10) {
		s.User.Attributes = winnt.SE_GROUP_USE_FOR_DENY_ONLY
	}
	if w.chance(3) {
		for _, p := range []winnt.Privilege{winnt.SeSecurityPrivilege, winnt.SeTakeOwnershipPrivilege,
			winnt.SeRelabelPrivilege, winnt.SeBackupPrivilege} {
			if w.chance(2) {
				s.Privileges |= p.Bit()
				if w.chance(2) {
					s.EnabledPrivileges |= p.Bit()
				}
			}
		}
	}
	s.Integrity = sid.MustParse(pick(w, append(worldLabels, "S-1-16-8192", "S-1-16-8192", "S-1-16-8192")))
	s.MandatoryPolicy = uint32(w.IntN(4))
	w.sandbox(&s)
	if w.chance(3) {
		s.UserClaims = w.claims("x", int64(w.IntN(3)))
		s.DeviceClaims = w.claims("d", 1, 2, 3)
		if w.chance(2) {
			s.LocalAttributes = w.claims("local", int64(w.IntN(2)))
		}
		s.DeviceGroups = w.groups(w.IntN(3))
	}
	if w.chance(4) {
		s.TrustLevel = sid.MustParse(pick(w, worldTrust))
	}
	return check.Must(token.New(s))
}

func (w world) sandbox(s *token.Spec) {
	if w.chance(6) {
		for _, g := range w.groups(w.IntN(4)) {
			s.Restricted = append(s.Restricted, token.Group{SID: g.SID})
		}
		s.IsRestricted, s.WriteRestricted = true, w.chance(2)
	}
	if w.chance(6) {
		s.Package, s.LowPrivilege = worldPkg, w.chance(3)
		s.Capabilities = []token.Group{{SID: worldCap, Attributes: 4}}
	}
}

// tokens returns n tokens, some of them equal.
func (w world) tokens(n int) []*token.Token {
	out := make([]*token.Token, n)
	for i := range out {
		out[i] = w.token()
		if i > 0 && w.chance(6) {
			out[i] = check.Must(token.New(out[w.IntN(i)].Spec()))
		}
	}
	return out
}

func (w world) policies() *access.PolicySet {
	p := access.Policy{ID: sid.MustParse("S-1-17-1"), Name: "policy"}
	for i := range w.IntN(3) {
		r := access.Rule{Name: "rule " + strconv.Itoa(i), Descriptor: w.descriptor()}
		if w.chance(2) {
			r.AppliesTo = pick(w, worldExprs)
		}
		p.Rules = append(p.Rules, r)
	}
	return &access.PolicySet{Policies: []access.Policy{p}}
}

// newCase returns a random configuration, tokens, a question and a generator of descriptors. They come from this
// world or from that of the access check's tests, which has every rare feature. There are usually few tokens, because
// each descriptor is evaluated for all of them.
func (w world) newCase() (cfg effective.Config, tokens []*token.Token, q effective.Question,
	descriptor func() *sd.Descriptor) {
	n := 1 + w.IntN(1+w.IntN(1+w.IntN(150)))
	if w.chance(5) {
		cfg, tokens, q = w.newSmallCase(n)
		return cfg, tokens, q, w.descriptor
	}
	other := questions.World{Rand: w.Rand}
	for range n {
		tokens = append(tokens, check.Must(token.New(other.Spec())))
	}
	r := other.Request(nil, tokens[0], tokens[0])
	r.Options.ClaimsDisabled = w.chance(10)
	cfg = effective.Config{Policies: r.Policies, Options: r.Options}
	q = effective.Question{Type: r.Type, Self: r.Self, ObjectTypes: r.ObjectTypes}
	for range 1 + w.IntN(4) {
		q.Rights = append(q.Rights, other.Request(nil, tokens[0], tokens[0]).Desired)
	}
	return cfg, tokens, q, other.Descriptor
}

// newSmallCase returns a configuration, tokens and a question of this world.
func (w world) newSmallCase(n int) (cfg effective.Config, tokens []*token.Token, q effective.Question) {
	if w.chance(3) {
		cfg.Policies = w.policies()
	}
	cfg.Options.ADOwnerReadOnly = w.chance(8)
	cfg.Options.ClaimsDisabled = w.chance(8)
	if w.chance(8) {
		cfg.Options.Callback = func(a sd.ACE, t *token.Token) claims.Truth { return claims.Truth(len(a.AppData()) % 3) }
	}
	tokens = w.tokens(n)
	q = effective.Question{Type: pick(w, worldTypes)}
	for range 1 + w.IntN(4) {
		q.Rights = append(q.Rights, pick(w, worldDesired))
	}
	if w.chance(3) {
		q.Self = pick(w, worldSIDs)
	}
	switch w.IntN(20) {
	case 0, 1:
		q.ObjectTypes = []access.ObjectTypeEntry{{GUID: worldGUIDs[0]}, {Level: 1, GUID: worldGUIDs[1]},
			{Level: 1, GUID: worldGUIDs[2]}}
	case 2, 3, 4, 5, 6: // a chain
		for i, at := range w.Perm(len(worldGUIDs))[:1+w.IntN(3)] {
			q.ObjectTypes = append(q.ObjectTypes, access.ObjectTypeEntry{Level: uint16(i), GUID: worldGUIDs[at]})
		}
		if w.chance(3) { // a type that occurs twice makes the list invalid
			q.ObjectTypes = append(q.ObjectTypes,
				access.ObjectTypeEntry{Level: uint16(len(q.ObjectTypes)), GUID: q.ObjectTypes[0].GUID})
		}
	}
	return cfg, tokens, q
}

func tokens(files ...string) []*token.Token {
	var out []*token.Token
	for _, f := range files {
		t, err := token.Parse([]byte(f))
		if err != nil {
			panic(err)
		}
		out = append(out, t)
	}
	return out
}
