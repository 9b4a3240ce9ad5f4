package main

// Rights that have a part of their own.
const (
	deleteRight, readControl, writeDAC, writeOwner, synchronize uint32 = 0x10000, 0x20000, 0x40000, 0x80000, 0x100000
	systemSecurity, maximum, generic                            uint32 = 0x1000000, 0x2000000, 0xF0000000
	never                                                              = systemSecurity | maximum | generic // by no entry
	success, denied                                                    = "STATUS_SUCCESS", "STATUS_ACCESS_DENIED"
)

// query is the question, and what deciding it brings about.
type query struct {
	object         descriptor
	token          token
	desired, asked uint32
	mapping        [4]uint32 // read, write, execute, all
	self           sid
	max            bool // MAXIMUM_ALLOWED was asked for

	steps                   []step
	used                    []string
	held, own, byPrivileges uint32
}

func (q *query) mapped(m uint32) uint32 {
	for i, all := range q.mapping {
		if m<<i&0x80000000 != 0 && i < 3 || i == 3 && m&0x10000000 != 0 {
			m |= all
		}
	}
	return m &^ generic
}

func (q *query) step(rule, list string, ace int, pass string, bits uint32, granted bool) {
	if bits != 0 {
		q.steps = append(q.steps, step{rule, list, ace, pass, hex8(bits), granted})
	}
}

func (q *query) privilege(rule, name string, bit uint32) bool {
	if q.token.privileges[name] {
		q.byPrivileges |= bit
		q.used = append(q.used, name)
		q.step(rule, "", -1, "", bit, true)
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
		q.step("A-50", "", -1, "", systemSecurity, false)
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
	switch {
	case !read || q.max && (total == 0 || q.asked&^total != 0):
		return denied, 0
	case q.max:
		return success, total
	}
	return success, q.asked
}

// ceiling is what labels leave.
func (q *query) ceiling(need uint32) uint32 {
	t, all := &q.token, ^uint32(0)
	if q.max {
		need |= q.mapping[3]
	}
	if e := first(q.object.sacl, 0x14); e != nil && !t.dominates(e.sid) {
		all = q.mapped(e.mask) | systemSecurity
		q.step("A-64", "SACL", e.index, "", need&^all, false)
	}
	level, policy, list, at := uint32(0x2000), uint32(1), "", -1
	if e := first(q.object.sacl, 0x11); e != nil && e.sid.is(16, int(e.sid[1])) && e.sid[1] > 0 {
		level, policy, list, at = e.sid.rid(), e.mask&7, "SACL", e.index
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

// first is the first entry of a type that is not inherit-only.
func first(list []entry, kind byte) *entry {
	for i := range list {
		if list[i].kind == kind && list[i].live() {
			return &list[i]
		}
	}
	return nil
}

// dominates compares trust levels; no trust is (0, 0).
func (t *token) dominates(label sid) bool {
	trust := t.trust
	if trust == "" || !trust.is(19, 2) {
		trust = "\x01\x02\x00\x00\x00\x00\x00\x13\x00\x00\x00\x00\x00\x00\x00\x00"
	}
	return label.is(19, 2) && trust.sub(0) >= label.sub(0) && trust.sub(1) >= label.sub(1)
}

// ownerRights is what the owner has without an entry.
func (q *query) ownerRights() uint32 {
	const rights = readControl | writeDAC
	if q.held&rights == 0 || !q.token.allow[q.object.owner] {
		return 0
	}
	lost := q.token.restricted && !q.token.restrictedAllow[q.object.owner]
	for i := range q.object.dacl {
		lost = lost || q.object.dacl[i].sid == ownerRights && q.object.dacl[i].live()
	}
	if lost {
		q.step("A-56", "", -1, "", rights, false)
		return 0
	}
	q.step("A-56", "", -1, "", rights&q.held, true)
	return rights & q.held
}

// read narrows what is held to what the DACL grants to each side.
func (q *query) read() bool {
	t := &q.token
	if !q.object.hasDACL {
		if q.max {
			q.held &= q.own | q.mapping[3]&^never | q.asked
		}
		q.step("A-42", "", -1, "", q.held&^q.own, true)
		if t.pkg != "" {
			q.step("A-96", "", -1, "", q.held, false)
			q.held = 0
		}
		return t.pkg == "" || q.max
	}
	if !q.narrow("", "A-40", ^q.own) {
		return false
	}
	if t.restricted {
		limit := ^q.own
		if t.writeRestricted {
			limit &= deleteRight | writeDAC | writeOwner | q.mapping[1]&^(q.mapping[0]|q.mapping[2])
		}
		if !q.narrow("restricted", "A-90", limit) {
			return false
		}
	}
	return t.pkg == "" || q.narrow("package", "A-95", ^uint32(0))
}

// narrow is one walk over the DACL: each right is decided by the first entry
// that applies and has it. lost is the rule by which rights go that no
// entry decides.
func (q *query) narrow(pass, lost string, limit uint32) bool {
	before, stopped, got := q.held, false, uint32(0)
	open := before & limit
	for i := 0; i < len(q.object.dacl) && open != 0 && !stopped; i++ {
		e := &q.object.dacl[i]
		m := q.mapped(e.mask) & open
		if m == 0 || !e.live() || !e.acts() || !q.applies(e, pass) {
			continue
		}
		rule := map[string]string{"": "A-70", "restricted": "A-90", "package": "A-94"}[pass]
		switch {
		case !e.deny():
			got |= m
		case pass == "restricted":
			rule = "A-92"
		case pass == "" && q.max:
			rule = "A-41"
		}
		q.step(rule, "DACL", e.index, pass, m, !e.deny())
		open &^= m
		stopped = e.deny() && !q.max
	}
	if !stopped {
		interest := q.asked
		if q.max {
			interest |= q.mapping[3] &^ maximum
		}
		if pass == "" && len(q.object.dacl) == 0 {
			lost = "A-43"
		}
		q.step(lost, "", -1, pass, open&interest, false)
	}
	q.held = before&^limit | got
	return q.max || q.held == before
}

// applies reports whether an entry is for the token in a pass (A-1 to A-4,
//
func (q *query) applies(e *entry, pass string) bool {
	s, t := e.sid, &q.token
	switch {
	case s == selfSID && q.self != "":
		s = q.self
	case s == ownerRights:
		s = q.object.owner
	}
	switch pass {
	case "":
		return t.allow[s] || e.deny() && t.deny[s]
	case "restricted":
		return t.restrictedAllow[s] || e.deny() && t.restrictedDeny[s]
	}
	in := s == t.pkg || s == restrictedOnes || s == allPackages && !t.lowPrivilege || t.capabilities[s]
	return in && (e.deny() || !t.allow[s])
}
