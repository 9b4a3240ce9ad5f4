package token

import (
	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

const filterFlags = winnt.DISABLE_MAX_PRIVILEGE | winnt.SANDBOX_INERT | winnt.LUA_TOKEN | winnt.WRITE_RESTRICTED

// FilterSpec holds the parameters of NtFilterToken and NtFilterTokenEx. The zero
// value filters nothing.
type FilterSpec struct {
	Flags    uint32             // DISABLE_MAX_PRIVILEGE, SANDBOX_INERT, LUA_TOKEN, WRITE_RESTRICTED
	Disable  []sid.SID          // become deny-only
	Delete   winnt.PrivilegeSet // are removed
	Restrict []Group            // attributes must be 0; empty: no list

	DropUserClaims, DropDeviceClaims bool
	DisableUserClaims                []string // names: are disabled
	DisableDeviceClaims              []string
	DisableDevice                    []sid.SID
	RestrictDevice                   []Group
	// RestrictUserClaims and RestrictDeviceClaims name the claims that the
	// restricted pass still sees. nil means no list. An empty list leaves it none.
	RestrictUserClaims, RestrictDeviceClaims []string

	ParentTokenID winnt.LUID // TokenId of the token filtered
	ModifiedID    winnt.LUID
}

// Filter returns a restricted token, as NtFilterToken does. It keeps the type and level (T-64). With any descriptor
// without conditional entries it is granted no more than t (T-68). It fails with STATUS_INVALID_PARAMETER in these
// cases:
//   - a flag outside 0xF (T-60)
//   - a restricting SID with attributes (T-63)
//   - an entry that is not a SID
//   - more than MaxGroups entries in a list, or restricting SIDs of the result
func (t *Token) Filter(spec FilterSpec) (*Token, ntstatus.Status) {
	// Four flags are documented, any other is refused (T-60).
	if spec.Flags&^filterFlags != 0 {
		return nil, ntstatus.InvalidParameter
	}
	for _, l := range [][]Group{spec.Restrict, spec.RestrictDevice} {
		if st := restricting(l); st != ntstatus.Success {
			return nil, st
		}
	}
	// Copies are filtered and put together at the end: the receiver does not change,
	// and its snapshot goes on deciding elsewhere.
	n := *t
	b := *t.body
	w := filtered{old: t, t: &n, b: &b, enabled: append(sidset.Bits(nil), t.groups.enabled...)}
	b.attrs = append([]uint32(nil), t.body.attrs...)
	// The order matters: LUA_TOKEN comes after the lists, and the restricting SIDs
	// before the claims of the restricted pass.
	w.disable(spec.Disable)
	w.removePrivileges(&spec)
	if spec.Flags&winnt.LUA_TOKEN != 0 {
		w.lua()
	}
	if st := w.restrict(&spec); st != ntstatus.Success {
		return nil, st
	}
	w.applyExtended(&spec)
	w.finish(&spec)
	return &n, ntstatus.Success
}

// filtered is the state of [Token.Filter]: copies of a token's parts, from which the filter takes away. finish puts
// them together.
type filtered struct {
	old     *Token
	t       *Token
	b       *body
	enabled sidset.Bits
	effect  bool // something was taken away
}

// restricting checks a list of restricting SIDs that a filter adds. It returns STATUS_INVALID_PARAMETER if gs has
// more than MaxGroups entries, a zero SID, or an entry with attributes.
func restricting(gs []Group) ntstatus.Status {
	if len(gs) > MaxGroups {
		return ntstatus.InvalidParameter
	}
	for _, g := range gs {
		// A restricting SID comes without attributes (T-63).
		if g.Attributes != 0 || g.SID.IsZero() {
			return ntstatus.InvalidParameter
		}
	}
	return ntstatus.Success
}

// disable makes the user and groups with one of the SIDs deny-only. It ignores SIDs that the token does not have
// (T-61).
func (w *filtered) disable(sids []sid.SID) {
	for _, s := range sids {
		first := w.old.index(s)
		// A SID that the token does not have is skipped (T-61).
		if first < 0 {
			continue
		}
		for i := range w.old.sameSIDIndexes(first) {
			w.makeDenyOnly(i)
		}
	}
}

// makeDenyOnly makes the user or a group deny-only: it then matches deny ACEs, but no allow ACE. index is its
// position. Both enabled bits are cleared. The integrity entry does not change. If the group was not deny-only
// before, the filter has an effect.
func (w *filtered) makeDenyOnly(index int) {
	a := &w.b.attrs[index]
	// The integrity entry cannot be made deny-only (T-61).
	if *a&winnt.SE_GROUP_INTEGRITY != 0 {
		return
	}
	if *a&winnt.SE_GROUP_USE_FOR_DENY_ONLY == 0 {
		w.effect = true
	}
	// The mandatory attribute does not protect, and stays (T-61).
	*a = *a&^winnt.SE_GROUP_ENABLED_BY_DEFAULT | winnt.SE_GROUP_USE_FOR_DENY_ONLY
	w.enabled.Clear(index)
}

// removePrivileges removes the privileges that the filter takes away (T-62).
//   - Without a flag these are the ones in spec.Delete.
//   - With DISABLE_MAX_PRIVILEGE it removes all but SeChangeNotifyPrivilege.
//   - With LUA_TOKEN it also removes those that a limited token may not have (T-65).
func (w *filtered) removePrivileges(spec *FilterSpec) {
	// A privilege to delete goes, one that is not held is skipped (T-62).
	drop := spec.Delete
	// DISABLE_MAX_PRIVILEGE ignores the list and leaves SeChangeNotifyPrivilege
	// (T-62).
	if spec.Flags&winnt.DISABLE_MAX_PRIVILEGE != 0 {
		drop = ^winnt.SeChangeNotifyPrivilege.Bit()
	}
	// LUA_TOKEN keeps only the privileges of a limited token (T-65).
	if spec.Flags&winnt.LUA_TOKEN != 0 {
		drop |= ^limitedPrivileges
	}
	w.drop(drop)
}

// drop removes the privileges of set from the token. It does not merely disable them, because the holder could enable
// them again.
func (w *filtered) drop(set winnt.PrivilegeSet) {
	// Removing a privilege that the token does not have has no effect, and the copy stays unmarked.
	if w.t.present&set != 0 {
		w.effect = true
	}
	w.t.present &^= set
	w.t.enabled &^= set
	w.t.byDefault &^= set
}

// lua makes the token a limited (UAC) one for LUA_TOKEN: administrative groups become deny-only, an integrity level
// above Medium becomes Medium, and the elevation type becomes limited (T-65). It does not change the privileges.
func (w *filtered) lua() {
	// Administrative groups become deny-only, so that entries which refuse them still
	// bind the limited token (T-65).
	for i, g := range w.old.Groups() {
		if isAdministrative(g.SID) {
			w.makeDenyOnly(i)
		}
	}
	// A level at or below Medium stays: a filter never raises (T-68).
	if w.t.integrity > winnt.SECURITY_MANDATORY_MEDIUM_RID {
		w.b.setIntegrity(w.t.integrityAt, sid.MediumLevel)
		w.t.integrity = winnt.SECURITY_MANDATORY_MEDIUM_RID
		w.effect = true
	}
	// Class 18 reports the limited token of a linked pair (T-65).
	w.b.elevation = winnt.TokenElevationTypeLimited
}

// isAdministrative reports whether s is an administrative group of BUILTIN or of a domain, which LUA_TOKEN makes
// deny-only (T-65).
func isAdministrative(s sid.SID) bool {
	if s.Authority() != 5 {
		return false
	}
	switch {
	// BUILTIN: Administrators, and 547 to 551: Power Users, the operators of
	// accounts, servers and printers, and Backup Operators.
	case s.SubAuthorities() == 2 && s.Sub(0) == 32:
		r := s.RID()
		return r == 544 || r >= 547 && r <= 551
	// Of a domain: the controllers, the administrators of domain, schema,
	// enterprise, policies and keys, and the certificate publishers.
	case s.SubAuthorities() == 5 && s.Sub(0) == 21:
		switch r := s.RID(); r {
		case 498, 512, 516, 517, 518, 519, 520, 527:
			return true
		}
	}
	return false
}

// restrict adds the restricting SIDs of the spec to the token. Without any it changes nothing. If the token already
// has some, only SIDs in both lists allow access (T-63). WRITE_RESTRICTED limits the restriction to write rights,
// unless the old token is restricted in all rights. If the spec repeats SIDs, the common SIDs and those that only deny
// can exceed MaxGroups: then restrict returns STATUS_INVALID_PARAMETER.
func (w *filtered) restrict(spec *FilterSpec) ntstatus.Status {
	if len(spec.Restrict) == 0 {
		return ntstatus.Success
	}
	// Every restricting SID is enabled (T-63).
	gs := withAttributes(spec.Restrict, groupForce)
	if old := w.old.body.restricted; old != nil {
		// The common list may be empty, and restricts then too (T-63).
		// A token restricted twice may do what both lists allow.
		gs = intersect(gs, old)
		// A SID that this restriction drops goes on matching deny entries
		// (T-68).
		gs = append(gs, w.removedSIDs(gs)...)
	}
	if len(gs) > MaxGroups {
		return ntstatus.InvalidParameter
	}
	w.b.restrict(gs)
	w.effect = true
	// WRITE_RESTRICTED requires a list (T-64). A token that is restricted for reading stays so: restricting it only
	// for writing would extend its rights (T-68).
	if spec.Flags&winnt.WRITE_RESTRICTED != 0 && (!w.old.IsRestricted() || w.old.WriteRestricted()) {
		w.t.stored |= winnt.TOKEN_WRITE_RESTRICTED
	} else {
		w.t.stored &^= winnt.TOKEN_WRITE_RESTRICTED
	}
	return ntstatus.Success
}

// intersect returns the groups whose SID is in set. The result reuses the array of groups.
func intersect(groups []Group, set *sidset.Set) []Group {
	out := groups[:0]
	for _, g := range groups {
		if set.Find(g.SID.Hash(), g.SID) >= 0 {
			out = append(out, g)
		}
	}
	return out
}

// removedSIDs returns the restricting SIDs that the filter takes away, as deny-only groups without repetition. They
// are those that restricting, the new list, does not have. SIDs that an earlier filter took away are among them. They
// still match deny ACEs (T-68).
func (w *filtered) removedSIDs(restricting []Group) (out []Group) {
	seen := map[sid.SID]bool{}
	for _, g := range restricting {
		seen[g.SID] = true
	}
	// restrictedDeny has the old restricting SIDs and those that earlier filters removed.
	old := w.old.body.restrictedDeny
	for i := range old.Len() {
		if s := old.At(i); !seen[s] {
			seen[s] = true
			out = append(out, Group{s, winnt.SE_GROUP_USE_FOR_DENY_ONLY})
		}
	}
	return out
}

// finish completes the filtered token: bitmaps, flags, parent and ModifiedId. If the default owner became deny-only,
// the user replaces it (T-66).
func (w *filtered) finish(spec *FilterSpec) {
	b, n := w.b, w.t
	words := len(b.denyOnly)
	maps := make(sidset.Bits, 2*words)
	// The maps are allocated, because other tokens share those of the old body.
	b.denyOnly, b.pinned = maps[:words:words], maps[words:]
	b.classify()
	// A filtered token names its origin as parent (T-64).
	b.parentTokenID = spec.ParentTokenID
	// The ModifiedId is the caller's, because the filtered token is a different value.
	n.modified = spec.ModifiedID
	n.body = b
	n.groups = &groups{enabled: w.enabled, alive: w.old.groups.alive}
	n.groups.allow, n.groups.deny = b.matchBits(w.enabled, n.groups.alive, n.integrityAt)
	// SANDBOX_INERT is carried as a flag of the new token.
	if spec.Flags&winnt.SANDBOX_INERT != 0 {
		n.stored |= winnt.TOKEN_SANDBOX_INERT
	}
	// A token is marked filtered only when something was taken from it (T-64).
	if w.effect {
		n.stored |= winnt.TOKEN_IS_FILTERED
	}
	if b.denyOnly.Has(int(n.owner)) { // T-66, and T-65 for Administrators
		n.owner = 0
	}
}

// setIntegrity replaces the SID of the integrity entry at an index, and rebuilds the index of SIDs.
func (b *body) setIntegrity(index uint16, level sid.SID) {
	sids := make([]sid.SID, b.set.Len())
	for i := range sids {
		sids[i] = b.set.At(i)
	}
	sids[index] = level
	b.set = sidset.New(sids)
}
