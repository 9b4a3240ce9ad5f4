package model

import (
	"slices"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// handleAttributes returns the attributes that a new handle takes (O-28, O-29).
func (c Caller) handleAttributes(a uint32) (uint32, ntstatus.Status) {
	if c.KernelMode {
		if a&^winnt.OBJ_KERNEL_HANDLE != 0 || a == 0 {
			return 0, ntstatus.InvalidParameter
		}
		return a, ntstatus.Success
	}
	if a&^(winnt.OBJ_KERNEL_HANDLE|winnt.OBJ_INHERIT) != 0 {
		return 0, ntstatus.InvalidParameter
	}
	return a & winnt.OBJ_INHERIT, ntstatus.Success
}

// openFor decides an open in the caller's mode for a subject.
func (c Caller) openFor(s subject, d *Descriptor, desired winnt.AccessMask, k *kind) (winnt.AccessMask,
	ntstatus.Status) {
	if c.KernelMode {
		return kernelOpen(desired, k)
	}
	return open(s, d, desired, k)
}

// opened returns the result of an open: a handle to a token.
func (m *Machine) opened(c Caller, t *Token, granted winnt.AccessMask, attributes uint32) Result {
	h := m.insert(c, Slot{Token: t, Granted: granted}, attributes)
	return Result{Handle: h, Granted: granted, Token: t.ID}
}

// OpenProcessToken models NtOpenProcessToken and, with ex, NtOpenProcessTokenEx (T-30).
func (m *Machine) OpenProcessToken(c Caller, h winnt.Handle, desired winnt.AccessMask, attributes uint32,
	ex bool) Result {
	if ex {
		var st ntstatus.Status
		if attributes, st = c.handleAttributes(attributes); st != ntstatus.Success {
			return failed(st)
		}
	}
	s, st := m.reference(c, h, 0x1000, isProcess)
	if st != ntstatus.Success {
		return failed(st)
	}
	t := s.Process.Primary
	g, st := c.openFor(c.subject(), t.Guard, desired, &tokenKind)
	if st != ntstatus.Success {
		return failed(st)
	}
	return m.opened(c, t, g, attributes)
}

// OpenThreadToken models NtOpenThreadToken(Ex) (I-20 to I-29).
func (m *Machine) OpenThreadToken(c Caller, h winnt.Handle, desired winnt.AccessMask, asSelf bool, attributes uint32,
	ex bool) Result {
	if ex {
		var st ntstatus.Status
		if attributes, st = c.handleAttributes(attributes); st != ntstatus.Success {
			return failed(st)
		}
	}
	want := winnt.AccessMask(0x40)
	if m.Profile == nt.Observed {
		want = 0x800 // the limited right suffices on Windows (I-131)
	}
	s, st := m.reference(c, h, want, isThread)
	if st != ntstatus.Success {
		return failed(st)
	}
	r := s.Thread.Record
	switch {
	case r == nil:
		return failed(ntstatus.NoToken)
	case r.Level == 0:
		return failed(ntstatus.CantOpenAnonymous)
	}
	who := c.subject()
	if asSelf {
		who = c.asSelf()
	}
	if r.CopyOnOpen || r.EffectiveOnly && !r.Own {
		return m.openCopy(c, s.Thread, r, who, desired, attributes)
	}
	g, st := c.openFor(who, r.Token.Guard, desired, &tokenKind)
	if st != ntstatus.Success {
		return failed(st)
	}
	return m.opened(c, r.Token, g, attributes)
}

// openCopy makes the copy to which an open goes (I-23).
func (m *Machine) openCopy(c Caller, t *Thread, r *Record, who subject, desired winnt.AccessMask,
	attributes uint32) Result {
	var g winnt.AccessMask
	var st ntstatus.Status
	if m.Profile == nt.Observed && !c.KernelMode {
		mapped := tokenKind.mapped(desired)
		known := mapped & (tokenKind.valid | saclBit | maximum)
		switch {
		case desired&reserved == 0 && mapped&maximum != 0:
			// A creator that asks for as much as there is gets it, and other bits count for nothing (O-130).
			g, st = grantNew(who, known, &tokenKind)
		case desired&reserved != 0, mapped != known:
			st = ntstatus.AccessDenied
		default:
			g, st = grantNew(who, mapped, &tokenKind)
		}
	} else {
		g, st = c.openFor(who, r.Token.Guard, desired, &tokenKind)
	}
	if st != ntstatus.Success {
		return failed(st)
	}
	if m.fails("se: copy token") {
		return failed(ntstatus.InsufficientResources)
	}
	v := r.Token.Value.as(winnt.TokenImpersonation, r.Level)
	if r.EffectiveOnly {
		v = v.stripped()
	}
	if t.Process.refuses(&v) { // the refusals of I-90
		return failed(ntstatus.AccessDenied)
	}
	dup := m.newToken(v, copyGuard(&v, &t.Process.Primary.Value), r.Token)
	dup.Chain = min(dup.Chain, r.Level)
	t.Record = &Record{Token: dup, EffectiveOnly: r.EffectiveOnly, Level: r.Level, Own: true, Just: r.Just,
		Under: r.Under}
	return m.opened(c, dup, g, attributes)
}

// refuses applies the limits of I-90 that look at a token alone.
func (p *Process) refuses(v *Value) bool {
	return p.Job&1 != 0 && v.admin() || p.Job&2 != 0 && !v.restricted() && !v.Filtered
}

// QOS is the quality of service of a duplicate.
type QOS struct {
	Level         winnt.SecurityImpersonationLevel
	EffectiveOnly bool
}

// Duplicate models NtDuplicateToken (T-40 to T-54).
func (m *Machine) Duplicate(c Caller, h winnt.Handle, desired winnt.AccessMask, attributes uint32, q *QOS,
	guard *Descriptor, effective bool, typ winnt.TokenType) Result {
	if typ != winnt.TokenPrimary && typ != winnt.TokenImpersonation {
		return failed(ntstatus.InvalidParameter) // T-40 (1)
	}
	if attributes&^0x1FF2 != 0 || q != nil && q.Level > 3 {
		return failed(ntstatus.InvalidParameter) // T-40 (3)
	}
	s, st := m.reference(c, h, winnt.TOKEN_DUPLICATE, isToken)
	if st != ntstatus.Success {
		return failed(st)
	}
	old := &s.Token.Value
	imp := old.Type == winnt.TokenImpersonation
	if imp && (q != nil && q.Level > old.Level || typ == winnt.TokenPrimary && old.Level < 2) {
		// An impersonation token yields none of a higher level (T-41), and
		// below SecurityImpersonation no primary one (T-42).
		return failed(ntstatus.BadImpersonationLevel)
	}
	if m.fails("se: duplicate token") {
		return failed(ntstatus.InsufficientResources)
	}
	g, st := m.duplicateAccess(c, s, desired)
	if st != ntstatus.Success {
		return failed(st)
	}
	// A duplicate has the level asked for, else its origin's, else the
	// profile's (T-43).
	level := winnt.SecurityImpersonation
	switch {
	case q != nil:
		level = q.Level
	case typ == winnt.TokenPrimary:
		// A primary token has no level of its own (T-54).
		level = 0
	case imp:
		level = old.Level
	case m.Profile == nt.Observed:
		level = 0
	}
	v := old.as(typ, level)
	if effective {
		// EffectiveOnly leaves out what is not enabled (T-48).
		v = v.stripped()
	}
	// Without a descriptor the caller's token's defaults protect the duplicate
	// (T-47).
	dup := m.newToken(v, defaultGuard(c.subject().token, &tokenKind, guard), s.Token)
	inherit := attributes & (winnt.OBJ_INHERIT | winnt.OBJ_KERNEL_HANDLE)
	if guard == nil && m.Profile == nt.Documented {
		inherit &^= winnt.OBJ_INHERIT
	}
	return m.opened(c, dup, g, inherit)
}

// duplicateAccess returns the rights of a duplicate's handle (T-44 to T-46).
func (m *Machine) duplicateAccess(c Caller, s Slot, desired winnt.AccessMask) (winnt.AccessMask, ntstatus.Status) {
	if desired == 0 {
		return s.Granted, ntstatus.Success
	}
	if desired&reserved != 0 {
		return 0, ntstatus.AccessDenied
	}
	who := c.subject()
	mapped := tokenKind.mapped(desired)
	known := mapped & (tokenKind.valid | saclBit | maximum)
	switch {
	case c.KernelMode:
		return kernelOpen(known, &tokenKind)
	case m.Profile == nt.Observed:
		return grantNew(who, known, &tokenKind)
	case mapped != known:
		// A bit that the type does not have is denied (O-21).
		return 0, ntstatus.AccessDenied
	case who.client && who.level < 2:
		// The caller's context decides, and below SecurityImpersonation it
		// opens nothing (T-45).
		return 0, ntstatus.BadImpersonationLevel
	}
	var barred winnt.AccessMask
	if !who.holds(winnt.SeAssignPrimaryTokenPrivilege) {
		barred |= winnt.TOKEN_ASSIGN_PRIMARY
	}
	if !who.holds(winnt.SeTcbPrivilege) {
		barred |= winnt.TOKEN_ADJUST_SESSIONID
	}
	if mapped != 0 && mapped&^barred == 0 {
		return 0, ntstatus.Success
	}
	g, st := open(who, s.Token.Guard, mapped&^barred, &tokenKind)
	return g &^ barred, st
}

// Change is one entry of NewState.
type Change struct {
	Privilege  winnt.Privilege
	Attributes uint32
}

// AdjustPrivileges models NtAdjustPrivilegesToken (T-70 to T-73). Number is the
// set of privileges changed.
func (m *Machine) AdjustPrivileges(c Caller, h winnt.Handle, disableAll bool, changes []Change, previous bool,
	length uint32) Result {
	want := winnt.TOKEN_ADJUST_PRIVILEGES
	if previous {
		want |= winnt.TOKEN_QUERY
	}
	s, st := m.reference(c, h, want, isToken)
	if st != ntstatus.Success {
		return failed(st)
	}
	v := &s.Token.Value
	held, enabled := v.Held, v.Enabled
	missing := false
	if disableAll {
		enabled = 0
	} else {
		for _, ch := range changes {
			bit := Privileges(1) << ch.Privilege
			switch {
			case held&bit == 0:
				missing = true
			case ch.Attributes&winnt.SE_PRIVILEGE_REMOVED != 0:
				held &^= bit
				enabled &^= bit
			case ch.Attributes&winnt.SE_PRIVILEGE_ENABLED != 0:
				enabled |= bit
			default:
				enabled &^= bit
			}
		}
	}
	changed := v.Held ^ held | v.Enabled ^ enabled
	r := Result{Status: ntstatus.Success}
	if missing {
		r.Status = ntstatus.NotAllAssigned
	}
	if previous {
		if length < uint32(4+12*count(changed)) {
			return failed(ntstatus.BufferTooSmall)
		}
		r.Number = uint64(changed)
	}
	if changed != 0 {
		m.modified++
		v.Held, v.Enabled, v.Modified = held, enabled, m.modified
	}
	return r
}

func count(s Privileges) (n int) {
	for ; s != 0; s &= s - 1 {
		n++
	}
	return n
}

// SetThreadToken models NtSetInformationThread, class 5 (I-70).
func (m *Machine) SetThreadToken(c Caller, thread, token winnt.Handle) Result {
	s, st := m.reference(c, thread, winnt.THREAD_SET_THREAD_TOKEN, isThread)
	if st != ntstatus.Success {
		return failed(st)
	}
	if token == 0 {
		s.Thread.Record = nil
		return Result{}
	}
	t, st := m.reference(c, token, winnt.TOKEN_IMPERSONATE, isToken)
	if st != ntstatus.Success {
		return failed(st)
	}
	if t.Token.Value.Type != winnt.TokenImpersonation {
		return failed(ntstatus.BadTokenType)
	}
	return m.Impersonate(s.Thread, t.Token, false, false, t.Token.Value.Level)
}

// Impersonate models PsImpersonateClient (I-40 to I-46).
func (m *Machine) Impersonate(t *Thread, tok *Token, copyOnOpen, effectiveOnly bool,
	level winnt.SecurityImpersonationLevel) Result {
	if tok == nil {
		t.Record = nil
		return Result{}
	}
	if level > 3 {
		return failed(ntstatus.InvalidParameter)
	}
	if t.Record == nil && m.fails("ps: impersonation record") {
		return failed(ntstatus.NoMemory)
	}
	v := &tok.Value
	if v.Type == winnt.TokenImpersonation {
		level = min(level, v.Level)
	}
	if t.Process.refuses(v) {
		return failed(ntstatus.AccessDenied)
	}
	ok, just := m.mayImpersonate(&t.Process.Primary.Value, v, level)
	if !ok {
		if m.fails("se: copy token") {
			return failed(ntstatus.InsufficientResources)
		}
		level = 1
		c := v.as(winnt.TokenImpersonation, level)
		// A thread that may not act so gets a copy at SecurityIdentification
		// (I-43).
		tok = m.newToken(c, copyGuard(&c, &t.Process.Primary.Value), tok)
	}
	t.Record = &Record{Token: tok, CopyOnOpen: copyOnOpen, EffectiveOnly: effectiveOnly, Level: level, Just: just,
		Under: t.Process.Job}
	return Result{}
}

// mayImpersonate decides by the table of I-42.
func (m *Machine) mayImpersonate(p, t *Value, level winnt.SecurityImpersonationLevel) (ok, just bool) {
	anonymous := t.Logon == 0x3E6
	pr, tr := p.restricted(), t.restricted()
	restricted := pr || tr
	if m.Profile == nt.Observed {
		restricted = pr != tr || pr && !sameNames(p.Restricted, t.Restricted)
	}
	switch {
	case level < 2:
		return true, false
	case anonymous && t.FromSystem:
		return true, true
	case p.Enabled.has(winnt.SeImpersonatePrivilege):
		return true, true
	case anonymous:
		return false, false
	case t.Origin != 0 && t.Origin == p.Logon && t.Integrity <= p.Integrity:
		return true, true
	case t.User != p.User, restricted, t.Integrity > p.Integrity, t.elevated() && !p.elevated():
		return false, false
	}
	return true, false
}

func sameNames(a, b []Name) bool {
	for _, n := range a {
		if !slices.Contains(b, n) {
			return false
		}
	}
	for _, n := range b {
		if !slices.Contains(a, n) {
			return false
		}
	}
	return true
}

// queried returns the token that the services of O-15 reference: pseudo handles
// too.
func (m *Machine) queried(c Caller, h winnt.Handle, want winnt.AccessMask) (*Token, ntstatus.Status) {
	switch h {
	case winnt.NtCurrentProcessToken, winnt.NtCurrentThreadToken, winnt.NtCurrentEffectiveToken:
	default:
		s, st := m.reference(c, h, want, isToken)
		return s.Token, st
	}
	if want&^0x18 != 0 {
		return nil, ntstatus.AccessDenied
	}
	r := c.Record
	switch {
	case h == winnt.NtCurrentProcessToken || r == nil && h == winnt.NtCurrentEffectiveToken:
		return c.Process.Primary, ntstatus.Success
	case r == nil:
		return nil, ntstatus.NoToken
	case r.Level == 0:
		return nil, ntstatus.CantOpenAnonymous
	}
	return r.Token, ntstatus.Success
}

// Query models NtQueryInformationToken for the classes of the model; Number is
// the value.
func (m *Machine) Query(c Caller, h winnt.Handle, class winnt.TokenInfoClass) Result {
	want := winnt.TOKEN_QUERY
	if class == winnt.TokenSource {
		want = winnt.TOKEN_QUERY_SOURCE
	}
	t, st := m.queried(c, h, want)
	if st != ntstatus.Success {
		return failed(st)
	}
	v := &t.Value
	r := Result{Token: t.ID}
	switch class {
	case winnt.TokenTypeInfo:
		r.Number = uint64(v.Type)
	case winnt.TokenImpersonationLevel:
		if v.Type == winnt.TokenPrimary {
			return failed(ntstatus.InvalidInfoClass)
		}
		r.Number = uint64(v.Level)
	case winnt.TokenPrivileges:
		r.Number = uint64(v.Enabled)
	case winnt.TokenGroups:
		r.Number = uint64(len(v.Groups) + 1) // and the integrity entry
	case winnt.TokenStatistics:
		r.Number = uint64(count(v.Held))
	case winnt.TokenElevation:
		r.Flag = v.elevated()
	case winnt.TokenIsRestricted:
		r.Flag = v.restricted()
	}
	return r
}

// PrivilegeCheck models NtPrivilegeCheck (T-101).
func (m *Machine) PrivilegeCheck(c Caller, h winnt.Handle, set []winnt.Privilege, all bool) Result {
	t, st := m.queried(c, h, winnt.TOKEN_QUERY)
	if st != ntstatus.Success {
		return failed(st)
	}
	if t.Value.Type == winnt.TokenImpersonation && t.Value.Level < 1 {
		return failed(ntstatus.BadImpersonationLevel)
	}
	n := 0
	for _, p := range set {
		if t.Value.Enabled.has(p) {
			n++
		}
	}
	if all {
		return Result{Flag: n == len(set)}
	}
	return Result{Flag: n > 0}
}

// AccessCheck models NtAccessCheck (50 section 3.1) with a file's mapping.
func (m *Machine) AccessCheck(c Caller, h winnt.Handle, d *Descriptor, desired winnt.AccessMask) Result {
	if c.KernelMode {
		g := fileKind.mapped(desired) &^ maximum
		if desired&maximum != 0 {
			g |= fileKind.all
		}
		// None of the tests of the system call runs from kernel mode.
		return Result{Granted: g}
	}
	if desired&0xF0000000 != 0 {
		return failed(ntstatus.GenericNotMapped)
	}
	t, st := m.queried(c, h, winnt.TOKEN_QUERY)
	switch {
	case st != ntstatus.Success:
		return failed(st)
	case t.Value.Type != winnt.TokenImpersonation:
		return failed(ntstatus.NoImpersonationToken)
	case t.Value.Level < 1:
		return failed(ntstatus.BadImpersonationLevel)
	}
	if desired == 0 {
		// A mask of 0 is denied, while the call succeeds.
		return Result{Verdict: ntstatus.AccessDenied}
	}
	g, verdict := decide(&t.Value, d, desired, &fileKind)
	return Result{Granted: g, Verdict: verdict}
}

// OpenFile models NtOpenFile of a plain name.
func (m *Machine) OpenFile(c Caller, f *File, desired winnt.AccessMask) Result {
	if st := m.gate(c, desired); st != ntstatus.Success {
		return failed(st)
	}
	g, st := c.openFor(c.subject(), f.Guard, desired, &fileKind)
	if st != ntstatus.Success {
		return failed(st)
	}
	return Result{Handle: c.Process.Handles.Insert(Slot{File: f, Granted: g}), Granted: g}
}

// gate applies step (4) of O-22: the reserved bits and privileges of a request.
func (m *Machine) gate(c Caller, desired winnt.AccessMask) ntstatus.Status {
	if desired&reserved != 0 {
		return ntstatus.AccessDenied
	}
	if desired&saclBit != 0 && !c.KernelMode && !c.subject().holds(winnt.SeSecurityPrivilege) {
		return ntstatus.PrivilegeNotHeld
	}
	return ntstatus.Success
}

// OpenByID models NtOpenProcess (thread FALSE) and NtOpenThread (O-37).
func (m *Machine) OpenByID(c Caller, id winnt.Handle, thread bool, desired winnt.AccessMask) Result {
	if st := m.gate(c, desired); st != ntstatus.Success {
		return failed(st)
	}
	var s Slot
	var d *Descriptor
	k := &processKind
	if thread {
		k = &threadKind
		for _, t := range m.Threads {
			if t.ID == id&^3 {
				s.Thread, d = t, t.Guard
			}
		}
	} else {
		for _, p := range m.Processes {
			if p.ID == id&^3 {
				s.Process, d = p, p.Guard
			}
		}
	}
	if !s.used() {
		return failed(ntstatus.InvalidCid)
	}
	var st ntstatus.Status
	if c.subject().holds(winnt.SeDebugPrivilege) && !c.KernelMode && desired != 0 {
		s.Granted, st = grantNew(c.subject(), k.mapped(desired), k)
	} else {
		s.Granted, st = c.openFor(c.subject(), d, desired, k)
	}
	if st != ntstatus.Success {
		return failed(st)
	}
	return Result{Handle: c.Process.Handles.Insert(s), Granted: s.Granted}
}

// Close models NtClose (O-40, O-41).
func (m *Machine) Close(c Caller, h winnt.Handle) Result {
	switch h {
	case -1, -2, -4, -5, -6:
		return Result{}
	}
	if t := m.table(c, h); t != nil && t.Close(h) {
		return Result{}
	}
	return failed(ntstatus.InvalidHandle)
}
