package access_test

import (
	"slices"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// twin is the oracle: a slow implementation of the rules on the plain forms of token and descriptor. It shares no
// code with package access. Only conditions are evaluated by package claims, which has its own oracle.
type twin struct {
	r         *access.Request
	tok       token.Spec // effective
	primary   token.Spec
	m         winnt.GenericMapping
	requested winnt.AccessMask // mapped, without MAXIMUM_ALLOWED
	max       bool
	prev      winnt.AccessMask
	used      winnt.PrivilegeSet
	priv      winnt.AccessMask
	own       winnt.AccessMask
}

// side selects the SIDs that a check compares: the user's, the restricting SIDs or the package's.
type side int

const (
	userSide side = iota
	restrictedSide
	packageSide
)

const (
	twinDropped = winnt.MAXIMUM_ALLOWED | winnt.ACCESS_SYSTEM_SECURITY
	ownerBits   = winnt.READ_CONTROL | winnt.WRITE_DAC
)

func newTwin(r *access.Request) *twin {
	t := &twin{r: r, tok: r.Subject.Effective().Spec(), primary: r.Subject.Primary.Spec()}
	if t.m = r.Type.Mapping; r.Mapping != nil {
		t.m = *r.Mapping
	}
	// Generic rights are mapped in the request and in the rights granted before.
	desired := t.mapped(r.Desired)
	t.requested, t.max, t.prev = desired&^winnt.MAXIMUM_ALLOWED, desired&winnt.MAXIMUM_ALLOWED != 0, t.mapped(r.Previous)
	return t
}

func (t *twin) mapped(m winnt.AccessMask) winnt.AccessMask {
	out := m & 0x0FFFFFFF
	if m&0x80000000 != 0 {
		out |= t.m.Read
	}
	if m&0x40000000 != 0 {
		out |= t.m.Write
	}
	if m&0x20000000 != 0 {
		out |= t.m.Execute
	}
	if m&0x10000000 != 0 {
		out |= t.m.All
	}
	return out &^ 0xF0000000
}

func (t *twin) held(p winnt.Privilege) bool { return t.tok.EnabledPrivileges.Has(p) }

// matchSpec reports whether a SID matches the token's user or groups, for an allowing or a denying entry.
func matchSpec(s token.Spec, x sid.SID, allow bool) bool {
	if x.IsZero() {
		return false
	}
	if s.User.SID == x && (!allow || s.User.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY == 0) {
		return true
	}
	return matchGroups(s.Groups, x, allow)
}

func matchGroups(gs []token.Group, x sid.SID, allow bool) bool {
	for _, g := range gs {
		if g.SID != x || g.Attributes&winnt.SE_GROUP_INTEGRITY != 0 {
			continue
		}
		onlyDeny := g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0
		if g.Attributes&winnt.SE_GROUP_ENABLED != 0 && !onlyDeny || onlyDeny && !allow {
			return true
		}
	}
	return false
}

func contains(gs []token.Group, x sid.SID) bool {
	return slices.ContainsFunc(gs, func(g token.Group) bool { return g.SID == x })
}

// restricts reports whether x is a restricting SID that a second filter did not drop (T-63).
func restricts(gs []token.Group, x sid.SID) bool {
	return slices.ContainsFunc(gs, func(g token.Group) bool {
		return g.SID == x && g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY == 0
	})
}

// subst replaces SELF and OWNER RIGHTS by the SIDs that they stand for.
func (t *twin) subst(x sid.SID) sid.SID {
	if x == sid.PrincipalSelf && !t.r.Self.IsZero() {
		return t.r.Self
	}
	if x == sid.OwnerRights {
		return t.r.Descriptor.Owner()
	}
	return x
}

func (t *twin) match(s side, x sid.SID, allow bool) bool {
	switch s {
	case restrictedSide:
		if !allow { // also dropped SIDs
			return contains(t.tok.Restricted, x)
		}
		return restricts(t.tok.Restricted, x) // only the restricting SIDs
	case packageSide:
		in := x == t.tok.Package || x == sid.MustParse("S-1-15-2-2") || x == sid.MustParse("S-1-15-2-1") &&
			!t.tok.LowPrivilege
		for _, c := range t.tok.Capabilities {
			in = in || c.SID == x && c.Attributes&winnt.SE_GROUP_ENABLED != 0
		}
		return in && (!allow || !matchSpec(t.tok, x, true))
	}
	return matchSpec(t.tok, x, allow)
}

// applies returns "allow" or "deny" if the entry applies, otherwise "".
func (t *twin) applies(s side, a sd.ACE, hasTree bool) (effect string) {
	if a.Flags()&0x08 != 0 {
		return ""
	}
	allow := false
	switch a.Type() {
	case 0x00, 0x04, 0x05, 0x09, 0x0B:
		allow = true
	case 0x01, 0x06, 0x0A, 0x0C:
	default:
		return ""
	}
	if a.Type() == 0x04 {
		if !t.match(s, t.subst(a.ClientSID()), true) || !matchSpec(t.primary, t.subst(a.ServerSID()), true) {
			return ""
		}
		return "allow"
	}
	if !t.match(s, t.subst(a.SID()), allow) {
		return ""
	}
	if _, typed := a.ObjectType(); typed && !hasTree && allow {
		return ""
	}
	if a.Type() >= 0x09 {
		if t.r.Options.ClaimsDisabled {
			return ""
		}
		truth := t.condition(a.AppData(), s, allow)
		if allow && truth != claims.True || !allow && truth == claims.False {
			return ""
		}
	}
	if allow {
		return "allow"
	}
	return "deny"
}

func (t *twin) condition(data string, s side, allow bool) claims.Truth {
	x, err := claims.Decode([]byte(data))
	if err != nil {
		return claims.Unknown
	}
	return x.Eval(&twinEnv{t, s, allow})
}

// twinEnv provides claims and memberships to conditions.
type twinEnv struct {
	t     *twin
	s     side
	allow bool
}

func (e *twinEnv) Attribute(scope claims.Scope, name string) (claims.Attribute, bool) {
	a, ok := e.attribute(scope, name)
	if e.allow && a.Flags&4 != 0 {
		return claims.Attribute{}, false
	}
	return a, ok
}

func (e *twinEnv) attribute(scope claims.Scope, name string) (claims.Attribute, bool) {
	user, device := e.t.tok.UserClaims, e.t.tok.DeviceClaims
	if e.s == restrictedSide { // T-67
		user, device = narrowed(user, e.t.tok.RestrictedUserClaims), narrowed(device, e.t.tok.RestrictedDeviceClaims)
	}
	switch scope {
	case claims.User:
		return lastOf(user, name)
	case claims.Device:
		return lastOf(device, name)
	case claims.Local:
		return lastOf(e.t.tok.LocalAttributes, name)
	}
	for _, a := range e.t.r.Descriptor.SACL().All() {
		if a.Type() == 0x12 && a.Flags()&0x08 == 0 {
			if v, err := claims.DecodeAttribute([]byte(a.AppData())); err == nil && claims.EqualName(v.Name, name) {
				return v, true
			}
		}
	}
	return claims.Attribute{}, false
}

func narrowed(all, restricted *claims.Set) *claims.Set {
	if restricted != nil {
		return restricted
	}
	return all
}

func lastOf(s *claims.Set, name string) (found claims.Attribute, ok bool) {
	for _, a := range s.All() {
		if claims.EqualName(a.Name, name) {
			found, ok = a, true
		}
	}
	return found, ok
}

func (e *twinEnv) Member(x sid.SID, device bool) bool {
	x = e.t.subst(x)
	switch {
	case device && e.s == restrictedSide:
		return contains(e.t.tok.RestrictedDeviceGroups, x)
	case device:
		return matchGroups(e.t.tok.DeviceGroups, x, e.allow)
	case e.s == restrictedSide:
		return restricts(e.t.tok.Restricted, x)
	}
	return matchSpec(e.t.tok, x, e.allow)
}

func (e *twinEnv) HasDevice() bool {
	if e.s == restrictedSide {
		return len(e.t.tok.RestrictedDeviceGroups) > 0
	}
	return len(e.t.tok.DeviceGroups) > 0
}

// explicitWalk reports whether the list grants all of need.
func (t *twin) explicitWalk(l *sd.ACL, s side, need winnt.AccessMask) bool {
	for _, a := range l.All() {
		if need == 0 {
			return true
		}
		m := t.mapped(a.Mask()) &^ twinDropped
		switch t.applies(s, a, false) {
		case "allow":
			need &^= m
		case "deny":
			if need&m != 0 {
				return false
			}
		}
	}
	return need == 0
}

// maximumWalk returns all rights that the list grants.
func (t *twin) maximumWalk(l *sd.ACL, s side) (granted winnt.AccessMask) {
	var denied winnt.AccessMask
	for _, a := range l.All() {
		m := t.mapped(a.Mask()) &^ twinDropped
		switch t.applies(s, a, false) {
		case "allow":
			granted |= m &^ denied
		case "deny":
			denied |= m &^ granted
		}
	}
	return granted
}

// Object type lists.

func (t *twin) parent(i int) int {
	list := t.r.ObjectTypes
	for p := i - 1; p >= 0; p-- {
		if list[p].Level == list[i].Level-1 {
			return p
		}
	}
	return -1
}

func (t *twin) isUnder(i, n int) bool {
	for ; i >= 0; i = t.parent(i) {
		if i == n {
			return true
		}
		if t.r.ObjectTypes[i].Level == 0 {
			return false
		}
	}
	return false
}

func (t *twin) ancestors(n int) (out []int) {
	for t.r.ObjectTypes[n].Level > 0 {
		n = t.parent(n)
		out = append(out, n)
	}
	return out
}

func (t *twin) children(n int) (out []int) {
	for i := range t.r.ObjectTypes {
		if t.r.ObjectTypes[i].Level > 0 && t.parent(i) == n {
			out = append(out, i)
		}
	}
	return out
}

// nodeOf returns the node of an entry, -1 if the entry is ignored.
func (t *twin) nodeOf(a sd.ACE) int {
	g, ok := a.ObjectType()
	if !ok {
		return 0
	}
	return slices.IndexFunc(t.r.ObjectTypes, func(e access.ObjectTypeEntry) bool { return e.GUID == g })
}

// explicitTree reports whether the list grants all of need to the root.
func (t *twin) explicitTree(l *sd.ACL, s side, need winnt.AccessMask) bool {
	n := len(t.r.ObjectTypes)
	remaining := make([]winnt.AccessMask, n)
	for i := range remaining {
		remaining[i] = need
	}
	for _, a := range l.All() {
		if remaining[0] == 0 {
			return true
		}
		at, m := t.nodeOf(a), t.mapped(a.Mask())&^twinDropped
		if at < 0 {
			continue
		}
		switch t.applies(s, a, true) {
		case "allow":
			for i := range remaining {
				if t.isUnder(i, at) {
					remaining[i] &^= m
				}
			}
			for _, p := range t.ancestors(at) {
				var union winnt.AccessMask
				for _, c := range t.children(p) {
					union |= remaining[c]
				}
				remaining[p] &= union
			}
		case "deny":
			for i := range remaining {
				if t.isUnder(i, at) && remaining[i]&m != 0 {
					return false
				}
			}
		}
	}
	return remaining[0] == 0
}

// maximumTree returns the rights that the list grants to each node.
func (t *twin) maximumTree(l *sd.ACL, s side) []winnt.AccessMask {
	n := len(t.r.ObjectTypes)
	granted, denied := make([]winnt.AccessMask, n), make([]winnt.AccessMask, n)
	for _, a := range l.All() {
		at, m := t.nodeOf(a), t.mapped(a.Mask())&^twinDropped
		if at < 0 {
			continue
		}
		switch t.applies(s, a, true) {
		case "allow":
			for i := range granted {
				if t.isUnder(i, at) {
					granted[i] |= m &^ denied[i]
				}
			}
			for _, p := range t.ancestors(at) {
				every := ^winnt.AccessMask(0)
				for _, c := range t.children(p) {
					every &= granted[c]
				}
				granted[p] |= every &^ denied[p]
			}
		case "deny":
			mark := m &^ granted[at]
			for i := range granted {
				if t.isUnder(i, at) {
					denied[i] |= m &^ granted[i]
				}
			}
			for _, p := range t.ancestors(at) {
				denied[p] |= mark &^ granted[p]
			}
		}
	}
	return granted
}

// systemEntries returns the entries of a type in the SACL, except inherit-only ones.
func (t *twin) systemEntries(typ sd.Type) (out []sd.ACE) {
	for _, a := range t.r.Descriptor.SACL().All() {
		if a.Type() == typ && a.Flags()&0x08 == 0 {
			out = append(out, a)
		}
	}
	return out
}

// ceiling returns the rights that labels and filters leave.
func (t *twin) ceiling() winnt.AccessMask {
	limit := ^winnt.AccessMask(0)
	if ls := t.systemEntries(0x14); len(ls) > 0 {
		s := ls[0].SID()
		var tt, tl uint32
		if x := t.tok.TrustLevel; x.SubAuthorities() == 2 {
			tt, tl = x.Sub(0), x.Sub(1)
		}
		if s.Authority() != 19 || s.SubAuthorities() != 2 || tt < s.Sub(0) || tl < s.Sub(1) {
			limit &= t.mapped(ls[0].Mask()) | winnt.ACCESS_SYSTEM_SECURITY
		}
	}
	for _, a := range t.systemEntries(0x15) {
		if t.condition(a.AppData(), userSide, true) != claims.True {
			limit &= t.mapped(a.Mask()) | winnt.ACCESS_SYSTEM_SECURITY
		}
	}
	return limit & t.integrity()
}

func (t *twin) integrity() winnt.AccessMask {
	if t.tok.MandatoryPolicy&1 == 0 {
		return ^winnt.AccessMask(0)
	}
	rid, policy := uint32(8192), winnt.AccessMask(1)
	if ls := t.systemEntries(0x11); len(ls) > 0 && ls[0].SID().Authority() == 16 && ls[0].SID().SubAuthorities() > 0 {
		rid, policy = ls[0].SID().RID(), ls[0].Mask()&7
	}
	if t.tok.Integrity.RID() >= rid || policy == 0 || !t.tok.Package.IsZero() && rid <= 8192 {
		return ^winnt.AccessMask(0)
	}
	m := t.m
	r := m.Read | winnt.READ_CONTROL
	x := m.Execute&^m.Read | winnt.SYNCHRONIZE
	w := m.Write | winnt.DELETE | winnt.WRITE_DAC | winnt.WRITE_OWNER | winnt.ACCESS_SYSTEM_SECURITY
	base := m.Read | m.Execute | winnt.SYNCHRONIZE | winnt.READ_CONTROL
	if policy&1 == 0 {
		base |= m.All | winnt.ACCESS_SYSTEM_SECURITY
	}
	var permitted winnt.AccessMask
	if policy&2 == 0 {
		permitted |= r
	}
	if policy&4 == 0 {
		permitted |= x
	}
	if policy&1 == 0 {
		permitted |= w
	}
	for bit := winnt.AccessMask(1); bit != 0; bit <<= 1 {
		forbidden := policy&2 != 0 && r&bit != 0 || policy&4 != 0 && x&bit != 0 || policy&1 != 0 && w&bit != 0
		if forbidden && permitted&bit == 0 {
			base &^= bit
		}
	}
	if t.held(winnt.SeRelabelPrivilege) {
		base |= winnt.WRITE_OWNER
	}
	return base
}

// before runs the stages before the DACL. If done is true, status is the result.
func (t *twin) before(each bool) (ceiling winnt.AccessMask, status ntstatus.Status, done bool) {
	remaining := t.requested &^ t.prev
	intent := func(on bool, p winnt.Privilege, set winnt.AccessMask) {
		if !t.max {
			set &= remaining
		}
		set &^= t.prev | t.priv
		if on && t.held(p) && set != 0 {
			t.priv |= set
			t.used |= winnt.Privileges(p)
		}
	}
	intent(t.r.Intent.Backup, winnt.SeBackupPrivilege, 0x011200A9)
	intent(t.r.Intent.Restore, winnt.SeRestorePrivilege, 0x011F0116)
	if remaining&^t.priv&winnt.ACCESS_SYSTEM_SECURITY != 0 {
		if !t.held(winnt.SeSecurityPrivilege) {
			t.used = 0
			return 0, ntstatus.PrivilegeNotHeld, true
		}
		t.priv |= winnt.ACCESS_SYSTEM_SECURITY
		t.used |= winnt.Privileges(winnt.SeSecurityPrivilege)
	}
	ceiling = t.ceiling()
	if !t.max && !each && remaining&^ceiling != 0 {
		return 0, ntstatus.AccessDenied, true
	}
	t.priv &= ceiling
	if remaining&^t.priv&ceiling&winnt.WRITE_OWNER != 0 {
		if t.held(winnt.SeTakeOwnershipPrivilege) {
			t.priv |= winnt.WRITE_OWNER
			t.used |= winnt.Privileges(winnt.SeTakeOwnershipPrivilege)
		} else if t.held(winnt.SeRelabelPrivilege) {
			t.priv |= winnt.WRITE_OWNER
			t.used |= winnt.Privileges(winnt.SeRelabelPrivilege)
		}
	}
	t.ownerRights()
	return ceiling, 0, false
}

func (t *twin) ownerRights() {
	owner := t.r.Descriptor.Owner()
	if !matchSpec(t.tok, owner, true) || t.isRestricted() && !restricts(t.tok.Restricted, owner) {
		return
	}
	for _, a := range t.r.Descriptor.DACL().All() {
		if a.SID() == sid.OwnerRights && a.Flags()&0x08 == 0 {
			return
		}
	}
	t.own = ownerBits
	if t.r.Options.ADOwnerReadOnly {
		t.own = winnt.READ_CONTROL
	}
}

func (t *twin) isRestricted() bool { return t.tok.IsRestricted || len(t.tok.Restricted) > 0 }

func (t *twin) writeBits() winnt.AccessMask {
	return winnt.DELETE | winnt.WRITE_DAC | winnt.WRITE_OWNER | t.m.Write&^(t.m.Read|t.m.Execute)
}

// rules returns the DACLs of the central access rules that apply. nil means no DACL.
func (t *twin) rules() (out []*sd.ACL) {
	ids := t.systemEntries(0x13)
	if len(ids) == 0 || t.r.Policies == nil || len(t.r.Policies.Policies) == 0 {
		return nil
	}
	for _, p := range t.r.Policies.Policies {
		if p.ID != ids[0].SID() {
			continue
		}
		for _, rule := range p.Rules {
			if rule.AppliesTo == nil || rule.AppliesTo.Eval(&twinEnv{t, userSide, true}) == claims.True {
				out = append(out, rule.Descriptor.DACL())
			}
		}
		return out
	}
	if t.r.Policies.Recovery != nil {
		return []*sd.ACL{t.r.Policies.Recovery.DACL()}
	}
	return []*sd.ACL{mustDescriptor("D:(A;;GA;;;BA)(A;;GA;;;SY)(A;;GA;;;OW)").DACL()}
}

// single returns the decision of SeAccessCheck, with or without object types.
func (t *twin) single() access.Decision {
	no := func(s ntstatus.Status) access.Decision { return access.Refuse(s).Using(t.used) }
	ceiling, status, done := t.before(false)
	if done {
		return no(status)
	}
	if t.max {
		nodes := t.finals(ceiling)
		if nodes[0] == 0 || t.requested&^nodes[0] != 0 { // nothing is granted, or a right requested by name is missing
			return no(ntstatus.AccessDenied)
		}
		return access.Grant(nodes[0]).Using(t.used)
	}
	body := t.requested &^ t.prev &^ t.priv
	need := body &^ t.own
	if !t.covers(t.r.Descriptor.DACL(), need, body) {
		return no(ntstatus.AccessDenied)
	}
	for _, l := range t.rules() { // owner bits stay
		if !t.covers(l, need, need) {
			return no(ntstatus.AccessDenied)
		}
	}
	return access.Grant(t.requested | t.prev).Using(t.used)
}

// covers reports whether a list grants need to the user and, in an AppContainer, pkg to the package.
func (t *twin) covers(l *sd.ACL, need, pkg winnt.AccessMask) bool {
	container := !t.tok.Package.IsZero()
	if l == nil {
		return !container || pkg == 0
	}
	walk := t.explicitWalk
	if len(t.r.ObjectTypes) > 0 {
		walk = t.explicitTree
	}
	if !walk(l, userSide, need) {
		return false
	}
	if t.isRestricted() {
		second := need
		if t.tok.WriteRestricted {
			second &= t.writeBits()
		}
		if !walk(l, restrictedSide, second) {
			return false
		}
	}
	return !container || walk(l, packageSide, pkg)
}

// finals returns the rights of each node, of one node without object types.
func (t *twin) finals(ceiling winnt.AccessMask) []winnt.AccessMask {
	n := max(1, len(t.r.ObjectTypes))
	final := t.sets(t.r.Descriptor.DACL(), false)
	for _, l := range t.rules() {
		for i, m := range t.sets(l, true) {
			final[i] &= m | t.own
		}
	}
	for i := range n {
		final[i] = final[i]&ceiling | t.priv | t.prev
	}
	return final
}

// sets returns the rights that a list grants to each node.
func (t *twin) sets(l *sd.ACL, rule bool) []winnt.AccessMask {
	n := max(1, len(t.r.ObjectTypes))
	out := make([]winnt.AccessMask, n)
	container := !t.tok.Package.IsZero()
	if l == nil {
		for i := range out {
			if container {
				continue
			}
			out[i] = t.mapped(winnt.GENERIC_ALL)&^twinDropped | t.requested | t.own
			if !t.max {
				out[i] = ^winnt.AccessMask(0)
			}
		}
		return out
	}
	walk := func(s side) []winnt.AccessMask {
		if len(t.r.ObjectTypes) > 0 {
			return t.maximumTree(l, s)
		}
		return []winnt.AccessMask{t.maximumWalk(l, s)}
	}
	users := walk(userSide)
	for i := range out {
		out[i] = users[i] | t.own
	}
	if t.isRestricted() {
		for i, m := range walk(restrictedSide) {
			limit := ^winnt.AccessMask(0)
			if t.tok.WriteRestricted {
				limit = t.writeBits()
			}
			out[i] &= m | t.own | ^limit
		}
	}
	if container {
		for i, m := range walk(packageSide) {
			out[i] &= m
		}
	}
	return out
}

// each returns the results of the result list form.
func (t *twin) each() ([]access.NodeResult, winnt.PrivilegeSet) {
	out := make([]access.NodeResult, len(t.r.ObjectTypes))
	ceiling, status, done := t.before(true)
	if done {
		for i := range out {
			out[i].Verdict = ntstatus.Decided(status)
		}
		return out, t.used
	}
	for i, m := range t.finals(ceiling) {
		ok := t.requested&^m == 0
		if t.max {
			ok = ok && m != 0
		} else if ok {
			m = t.requested | t.prev
		}
		if !ok {
			out[i] = access.NodeResult{Granted: m & t.requested, Verdict: ntstatus.Decided(ntstatus.AccessDenied)}
			continue
		}
		out[i] = access.NodeResult{Granted: m, Verdict: ntstatus.Decided(ntstatus.Success)}
	}
	return out, t.used
}
