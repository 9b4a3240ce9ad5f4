package main

import "fmt"

// Rights that have a part of their own.
const (
	deleteRight, readControl, writeDAC, writeOwner, synchronize uint32 = 0x10000, 0x20000, 0x40000, 0x80000, 0x100000
	systemSecurity, maximum, generic                            uint32 = 0x1000000, 0x2000000, 0xF0000000
	never                                                              = systemSecurity | maximum | generic // by no entry
	success, denied                                                    = "STATUS_SUCCESS", "STATUS_ACCESS_DENIED"
)

// query is the question, and what deciding it brings about.
type query struct {
	object                  descriptor
	token                   token
	desired, asked          uint32
	mapping                 [4]uint32 // read, write, execute, all
	self                    sid
	max                     bool     // MAXIMUM_ALLOWED was asked for
	steps, used             []string // JSON
	held, own, byPrivileges uint32
}

func (q *query) mapped(m uint32) uint32 {
	for i, all := range q.mapping {
		if m<<i>>31 != 0 {
			m |= all
		}
	}
	return m &^ generic
}

// step notes what granted or refused bits; list is "DACL" or "SACL" for entry
// ace.
func (q *query) step(rule, list string, ace int, pass string, bits uint32, granted bool) {
	if bits != 0 {
		q.steps = append(q.steps, fmt.Sprintf(`{"rule":%q,"list":%q,"ace":%d,"pass":%q,"bits":"0x%08x","granted":%v}`, rule, list, ace, pass, bits, granted))
	}
}

func (q *query) stage(rule string, bits uint32, granted bool) {
	q.step(rule, "", -1, "", bits, granted)
}

func (q *query) privilege(rule, name string, bit uint32) bool {
	if q.token.privileges[name] {
		q.byPrivileges |= bit
		q.used = append(q.used, `"`+name+`"`)
		q.stage(rule, bit, true)
	}
	return q.token.privileges[name]
}

// decide is the access check: privilege for the SACL, ceiling, privileges,
// owner, DACL for each side of the token (rules ).
func (q *query) decide() (status string, granted uint32) {
	if q.desired == 0 {
		return denied, 0
	}
	need := q.mapped(q.desired)
	q.max, need = need&maximum != 0, need&^maximum
	q.asked = need
	if need&systemSecurity != 0 && !q.privilege("A-50", "SeSecurityPrivilege", systemSecurity) {
		q.stage("A-50", systemSecurity, false)
		return "STATUS_PRIVILEGE_NOT_HELD", 0
	}
	ceiling := q.ceiling(need)
	q.byPrivileges &= ceiling
	if !q.max && need&^ceiling != 0 {
		return denied, 0
	}
	if need&writeOwner&ceiling != 0 {
		_ = q.privilege("A-51", "SeTakeOwnershipPrivilege", writeOwner) || q.privilege("A-51", "SeRelabelPrivilege", writeOwner)
	}
	if q.held = need &^ q.byPrivileges; q.max {
		q.held = ^never
	}
	q.held &= ceiling
	q.own = q.ownerRights()
	read := q.held&^q.own == 0 && q.token.pkg == "" || q.read()
	total := q.held | q.byPrivileges
	if !read || q.max && (total == 0 || q.asked&^total != 0) {
		return denied, 0
	}
	if !q.max {
		total = q.asked
	}
	return success, total
}

// ceiling is what labels leave.
func (q *query) ceiling(need uint32) uint32 {
	t, all := &q.token, ^uint32(0)
	if q.max {
		need |= q.mapping[3]
	}
	if i, e := first(q.object.sacl, 0x14); i >= 0 && !dominates(t.trust, e.sid) {
		all = q.mapped(e.mask) | systemSecurity
		q.step("A-64", "SACL", i, "", need&^all, false)
	}
	level, policy, list, at := uint32(0x2000), uint32(1), "", -1
	if i, e := first(q.object.sacl, 0x11); i >= 0 && e.sid.is(16, e.sid[1]) {
		level, policy, list, at = e.sid.rid(), e.mask&7, "SACL", i
	}
	if !t.noWriteUp || t.level >= level || t.pkg != "" && level <= 0x2000 || policy == 0 {
		return all
	}
	read, write, execute := q.mapping[0], q.mapping[1], q.mapping[2]
	left := read | execute | synchronize | readControl
	if policy&1 == 0 {
		left |= q.mapping[3] | systemSecurity
	}
	var classes [2]uint32 // permitted, forbidden
	for i, rights := range [3]uint32{write | deleteRight | writeDAC | writeOwner | systemSecurity, read | readControl, execute&^read | synchronize} {
		classes[policy>>i&1] |= rights
	}
	left &^= classes[1] &^ classes[0]
	if t.privileges["SeRelabelPrivilege"] {
		left |= writeOwner
	}
	q.step("A-62", list, at, "", need&^left, false)
	return all & left
}

// first is the first entry of a type that is not inherit-only, or -1.
func first(list []entry, kind byte) (int, entry) {
	for i, e := range list {
		if e.kind == kind && e.live {
			return i, e
		}
	}
	return -1, entry{}
}

// dominates compares trust levels; no trust is (0, 0).
func dominates(trust, label sid) bool {
	if trust == "" || !trust.is(19, 2) {
		trust = parseSID("S-1-19-0-0", "")
	}
	return label.is(19, 2) && trust.sub(0) >= label.sub(0) && trust.sub(1) >= label.sub(1)
}

// ownerRights is what the owner has without an entry.
func (q *query) ownerRights() uint32 {
	rights := readControl | writeDAC
	if q.held&rights == 0 || !q.token.sides[""].allow[q.object.owner] {
		return 0
	}
	lost := q.token.restricted && !q.token.sides["restricted"].allow[q.object.owner]
	for _, e := range q.object.dacl {
		lost = lost || e.sid == ownerRights && e.live
	}
	if lost {
		q.stage("A-56", rights, false)
		return 0
	}
	q.stage("A-56", rights&q.held, true)
	return rights & q.held
}

// read narrows what is held to what the DACL grants to each side.
func (q *query) read() bool {
	t := &q.token
	if !q.object.hasDACL {
		if q.max {
			q.held &= q.own | q.mapping[3]&^never | q.asked
		}
		q.stage("A-42", q.held&^q.own, true)
		if t.pkg != "" {
			q.stage("A-96", q.held, false)
			q.max, q.held = q.max || q.held == 0, 0
		}
		return t.pkg == "" || q.max
	}
	limit, denies, lost := ^q.own, "A-70", "A-40"
	if q.max {
		denies = "A-41"
	}
	if len(q.object.dacl) == 0 {
		lost = "A-43"
	}
	if !q.narrow("", "A-70", denies, lost, limit) {
		return false
	}
	if t.writeRestricted {
		limit &= deleteRight | writeDAC | writeOwner | q.mapping[1]&^(q.mapping[0]|q.mapping[2])
	}
	if t.restricted && !q.narrow("restricted", "A-90", "A-92", "A-90", limit) {
		return false
	}
	return t.pkg == "" || q.narrow("package", "A-94", "A-94", "A-95", ^uint32(0))
}

// narrow is one walk over the DACL: each right is decided by the first entry
// that applies and has it. allows, denies and lost are the rules by which
// rights come and go.
func (q *query) narrow(pass, allows, denies, lost string, limit uint32) bool {
	before, stopped, got := q.held, false, uint32(0)
	open := before & limit
	for i, e := range q.object.dacl {
		m := q.mapped(e.mask) & open
		if m == 0 || stopped || !e.acts || !q.applies(&e, pass) {
			continue
		}
		open &^= m
		if e.deny {
			q.step(denies, "DACL", i, pass, m, false)
			stopped = !q.max
		} else {
			q.step(allows, "DACL", i, pass, m, true)
			got |= m
		}
	}
	if !stopped {
		interest := q.asked
		if q.max {
			interest |= q.mapped(0x10000000) &^ maximum
		}
		q.step(lost, "", -1, pass, open&interest, false)
	}
	q.held = before&^limit | got
	return q.max || q.held == before
}

// applies reports whether an entry is for the token in a pass (A-1 to A-4,
//
func (q *query) applies(e *entry, pass string) bool {
	s, side := e.sid, q.token.sides[pass]
	switch {
	case s == selfSID && q.self != "":
		s = q.self
	case s == ownerRights:
		s = q.object.owner
	}
	if pass == "package" && !e.deny && q.token.sides[""].allow[s] { // the user's side's to grant
		return false
	}
	return side.allow[s] || e.deny && side.deny[s]
}
