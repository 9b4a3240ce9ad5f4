package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

type mask uint32

// Rights that have a part of their own, and statuses.
const (
	deleteRight, readControl, writeDAC, writeOwner, synchronize mask = 0x10000, 0x20000, 0x40000, 0x80000, 0x100000
	systemSecurity, maximum, generic                            mask = 0x1000000, 0x2000000, 0xF0000000
	never                                                            = systemSecurity | maximum | generic // by no entry
	backupRights, restoreRights                                 mask = 0x11200A9, 0x11F0116
	success, denied, invalid                                         = "STATUS_SUCCESS", "STATUS_ACCESS_DENIED", "STATUS_INVALID_PARAMETER"
)

func (m mask) String() string { return fmt.Sprintf("0x%08x", uint32(m)) }

// node is a node of the object tree; the first stands for the whole object.
type node struct {
	guid            string
	level           int
	held, open, got mask // after the passes so far; still to decide and granted in the one that runs
}

// query is a question, and the state of deciding it.
type query struct {
	certificate                       map[string]any
	mapping                           [4]mask // read, write, execute, all
	owner, self                       sid
	sacl, dacl                        []entry
	list                              string // name of the dacl in steps
	rule                              bool   // it is that of a central access rule
	token, primary                    *token
	asked, previous, own, byPrivilege mask // mapped; own is what the owner has without an entry
	max, each, strict                 bool // maximum mode; a result for each node; what is missing ends the check
	nodes                             []node
	steps, used                       []any
}

func (q *query) set(flag string) bool   { return q.certificate[flag].(bool) }
func (q *query) word(key string) string { return q.certificate[key].(string) }

func parseMask(v any) mask {
	m := mask(must(strconv.ParseUint(v.(string), 0, 32)))
	check(m.String() == v, "a mask is written as 0x and eight digits")
	return m
}

func (q *query) mapped(m mask) mask {
	for i, all := range q.mapping {
		m |= pick(m<<i>>31 != 0, all, 0)
	}
	return m &^ generic
}

// step notes what granted or refused bits; a stage has no list.
func (q *query) step(rule, list string, ace int, pass string, node int, bits mask, granted bool) {
	if bits != 0 {
		q.steps = append(q.steps, map[string]any{"rule": rule, "list": list, "ace": ace, "pass": pass, "node": node, "bits": bits.String(), "granted": granted})
	}
}

func (q *query) stage(rule string, bits mask, granted bool) bool {
	q.step(rule, "", -1, "", 0, bits, granted)
	return granted
}

func (q *query) privilege(rule, name string, bits mask) bool {
	if bits &^= q.byPrivilege; bits == 0 || !q.token.privileges[name] {
		return false
	}
	q.byPrivilege, q.used = q.byPrivilege|bits, append(q.used, name)
	return q.stage(rule, bits, true)
}

// decide gives the certificate of a question: the rules before the check in their order, then the check.
func decide(c map[string]any, descriptor string, file []byte) map[string]any {
	q := &query{certificate: c, token: parseToken(file), steps: []any{}, used: []any{}, list: "DACL"}
	q.owner, q.sacl, q.dacl = parseDescriptor(descriptor)
	for _, e := range slices.Backward(q.sacl) {
		if e.kind == 0x12 && e.live { // of two the first is found
			q.token.claims["resource"] = append(q.token.claims["resource"], parseAttribute(e.data)...)
		}
	}
	q.token.claims["restrictedresource"] = q.token.claims["resource"]
	want := map[string]any{}
	for _, key := range strings.Fields("adOwnerReadOnly backup certificate claimsDisabled desired kernelMode level mapping objectTypes policies previous primary restore resultList self") {
		want[key] = c[key]
	}
	q.primary = q.token
	if q.word("primary") != "" {
		q.primary = parseToken([]byte(q.word("primary")))
	}
	if q.word("self") != "" {
		q.self = parseSID(q.word("self"), "")
	}
	for i, m := range c["mapping"].([]any) {
		q.mapping[i] = parseMask(m)
	}
	q.asked, q.previous = q.mapped(parseMask(c["desired"])), q.mapped(parseMask(c["previous"]))
	q.max, q.asked, q.each = q.asked&maximum != 0, q.asked&^maximum, q.set("resultList")
	q.strict = !q.max && !q.each
	valid, level := q.plant(), slices.Index([]string{"", "Anonymous", "Identification", "Impersonation", "Delegation"}, q.word("level"))
	check(level >= 0, "the level")
	status, granted := "", mask(0)
	for _, r := range []struct {
		applies bool
		rule    string
		bits    mask
		status  string
	}{
		{q.each && (!valid || len(c["objectTypes"].([]any)) == 0), "A-25", q.asked, invalid},
		{q.set("kernelMode"), "A-31", q.asked | q.previous | pick(q.max, q.mapping[3], 0), success},
		{descriptor == "", "A-32", q.asked, denied},
		{level == 1 || level == 2, "A-30", q.asked, "STATUS_BAD_IMPERSONATION_LEVEL"},
		{c["desired"] == "0x00000000" && q.previous != 0, "A-35", q.previous, success},
		{c["desired"] == "0x00000000", "A-33", 0, denied},
		{!valid, "A-25", q.asked, invalid},
	} {
		if r.applies && status == "" {
			status, granted = r.status, pick(r.status == success, r.bits, 0)
			q.stage(r.rule, r.bits, r.status == success)
			q.nodes = pick(r.status == invalid, nil, q.nodes)
		}
	}
	done := status != ""
	if !done {
		status = q.check()
		done = status != success
	}
	results := []any{}
	for _, n := range q.nodes {
		s, g := status, granted
		if total := n.held | q.byPrivilege | q.previous; !done {
			s = pick(q.asked&^total != 0 || q.max && total == 0, denied, success)
			g = pick(s == denied, q.asked&total, pick(q.max, total, q.asked|q.previous))
		}
		results = append(results, s+" "+g.String())
		if len(results) == 1 && !done {
			status, granted = s, pick(s == success, g, 0)
		}
	}
	slices.SortFunc(q.used, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	want["status"], want["granted"], want["privileges"], want["steps"] = status, granted.String(), q.used, q.steps
	want["results"] = pick(q.each, results, []any{})
	return want
}

// check runs the stages.
func (q *query) check() string {
	need, want := q.asked&^q.previous, pick(q.max, ^q.previous, q.asked&^q.previous)
	q.stage("A-35", q.asked&q.previous, true)
	_ = q.set("backup") && q.privilege("A-54", "SeBackupPrivilege", want&backupRights)
	_ = q.set("restore") && q.privilege("A-54", "SeRestorePrivilege", want&restoreRights)
	if bit := need & systemSecurity &^ q.byPrivilege; bit != 0 && !q.privilege("A-50", "SeSecurityPrivilege", bit) {
		q.stage("A-50", bit, false)
		q.used = []any{}
		return "STATUS_PRIVILEGE_NOT_HELD"
	}
	ceiling := q.ceiling(need)
	q.byPrivilege &= ceiling
	if q.strict && need&^ceiling != 0 {
		return denied
	}
	_ = q.privilege("A-51", "SeTakeOwnershipPrivilege", need&writeOwner&ceiling) || q.privilege("A-51", "SeRelabelPrivilege", need&writeOwner&ceiling)
	held := pick(q.max, ^never, need&^q.byPrivilege) & ceiling
	for i := range q.nodes {
		q.nodes[i].held = held
	}
	q.ownerRights(held)
	return pick(q.read(0) && q.policy(), success, denied)
}

// ceiling is what trust label, access filters and integrity leave.
func (q *query) ceiling(need mask) mask {
	t, m, left := q.token, q.mapping, ^mask(0)
	limit := func(rule, list string, at int, rights mask) {
		q.step(rule, list, at, "", 0, (need|pick(q.max, m[3], 0))&^rights, false)
		left &= rights
	}
	if i, e := q.first(0x14); i >= 0 && !(e.sid.is(19, 2) && t.trust.sub(0) >= e.sid.sub(0) && t.trust.sub(1) >= e.sid.sub(1)) {
		limit("A-64", "SACL", i, q.mapped(e.mask)|systemSecurity)
	}
	for i, e := range q.sacl {
		if e.kind == 0x15 && e.live && q.holds(e.data, false, "") != 1 {
			limit("A-65", "SACL", i, q.mapped(e.mask)|systemSecurity)
		}
	}
	level, policy, list := uint64(0x2000), mask(1), ""
	at, e := q.first(0x11)
	if at >= 0 && e.sid.is(16, e.sid[1]) {
		level, policy, list = e.sid.sub(e.sid[1]-1), e.mask&7, "SACL"
	} else {
		at = -1
	}
	if t.noWriteUp && t.level < level && (t.pkg == "" || level > 0x2000) && policy != 0 {
		rights := m[0] | m[2] | synchronize | readControl | pick(policy&1 == 0, m[3]|systemSecurity, 0)
		var classes [2]mask // permitted, forbidden
		for i, c := range [3]mask{m[1] | deleteRight | writeDAC | writeOwner | systemSecurity, m[0] | readControl, m[2]&^m[0] | synchronize} {
			classes[policy>>i&1] |= c
		}
		limit("A-62", list, at, rights&^(classes[1]&^classes[0])|pick(t.privileges["SeRelabelPrivilege"], writeOwner, 0))
	}
	return left
}

// first is the first entry of a type in the SACL that is not inherit-only, or -1.
func (q *query) first(kind byte) (int, entry) {
	i := slices.IndexFunc(q.sacl, func(e entry) bool { return e.kind == kind && e.live })
	return i, append(q.sacl, entry{})[max(i, 0)]
}

// ownerRights is what the owner has without an entry.
func (q *query) ownerRights(held mask) {
	rights := readControl | pick(q.set("adOwnerReadOnly"), 0, writeDAC)
	if held&(readControl|writeDAC) == 0 || q.token.members[string(q.owner)]&1 == 0 {
		return
	}
	replaced := slices.ContainsFunc(q.dacl, func(e entry) bool { return e.sid == ownerRights && e.live })
	if replaced || q.token.restricted && q.token.members["restricted"+string(q.owner)]&1 == 0 {
		q.stage("A-56", readControl|writeDAC, false)
		return
	}
	q.own = rights & held
	q.stage("A-56", q.own, true)
}

// policy narrows what is held by the central access rules that apply.
func (q *query) policy() bool {
	policies := q.certificate["policies"].(map[string]any)
	i, e := q.first(0x13)
	if i < 0 || len(policies) == 0 {
		return true
	}
	rules := policies[""] // recovery
	for id, r := range policies {
		if id != "" && parseSID(id, "") == e.sid {
			rules = r
		}
	}
	for _, r := range rules.([]any) {
		name, condition, descriptor := r.([]any)[0].(string), unhex(r.([]any)[1]), unhex(r.([]any)[2])
		if condition == "" || q.holds(condition, false, "") == 1 {
			q.rule, q.list = true, name
			if _, _, q.dacl = parseDescriptor(descriptor); !q.read(q.own) {
				return false
			}
		}
	}
	return true
}

// read narrows what is held to what the list grants to each side of the token; exempt is not the package's to grant.
func (q *query) read(exempt mask) bool {
	t, limit := q.token, ^q.own
	if q.dacl == nil {
		q.clip(pick(q.max, q.own|q.mapping[3]&^never|q.asked, ^mask(0)))
		held := q.nodes[0].held
		_ = q.rule || q.stage("A-42", held&^q.own, true)
		if t.pkg == "" {
			return true
		}
		q.stage("A-96", held&^exempt, false)
		q.clip(exempt)
		return !q.strict || held == q.nodes[0].held
	}
	if !q.narrow("", limit) {
		return false
	}
	if t.writeRestricted {
		limit &= deleteRight | writeDAC | writeOwner | q.mapping[1]&^(q.mapping[0]|q.mapping[2])
	}
	return (!t.restricted || q.narrow("restricted", limit)) && (t.pkg == "" || q.narrow("package", ^exempt))
}

func (q *query) clip(m mask) {
	for i := range q.nodes {
		q.nodes[i].held &= m
	}
}

// narrow is one walk over the list: of the rights within limit, each is decided by the first entry that applies and has
// it. False ends the check.
func (q *query) narrow(pass string, limit mask) bool {
	tree := len(q.certificate["objectTypes"].([]any)) > 0
	rules := map[string][3]string{"restricted": {"A-90", "A-92", "A-90"}, "package": {"A-94", "A-94", "A-95"}, "": { // of allowed, denied, left
		pick(tree, "A-82", "A-70"), pick(tree, "A-83", pick(q.strict, "A-70", "A-41")), pick(len(q.dacl) == 0, "A-43", "A-40")}}[pass]
	root, before, denying, stopped := &q.nodes[0], q.nodes[0].held, false, false
	for i := range q.nodes {
		n := &q.nodes[i]
		n.held = pick(q.each, n.held, before)
		n.open, n.got = n.held&limit, 0
	}
	for i, e := range q.dacl {
		open := mask(0)
		for _, n := range q.nodes {
			open |= n.open
		}
		at, m := q.at(&e), q.mapped(e.mask)&open
		if stopped || m == 0 || at < 0 || !q.applies(&e, pass) {
			continue
		}
		q.step(rules[pick(e.deny, 1, 0)], q.list, i, pass, at, m, !e.deny)
		hit := q.spread(at, m, e.deny)
		denying, stopped = denying || e.deny, hit != 0 && e.deny && q.strict
	}
	for i := range q.nodes {
		q.nodes[i].held = q.nodes[i].held&^limit | q.nodes[i].got
	}
	if !denying || !q.strict {
		interest := q.asked | pick(q.max, q.mapped(0x10000000)&^maximum, 0)
		q.step(pick(q.rule, "A-101", rules[2]), "", -1, pass, 0, root.open&interest, false)
	}
	return !q.strict || root.held == before
}

// plant makes the object tree; false if the list is no tree in preorder.
func (q *query) plant() bool {
	valid, seen := true, map[string]bool{}
	for i, v := range q.certificate["objectTypes"].([]any) {
		level, guid, _ := strings.Cut(v.(string), " ")
		n := node{level: int(must(strconv.ParseUint(level, 10, 16))), guid: unhex(guid)}
		check(fmt.Sprintf("%d %x", n.level, n.guid) == v && len(n.guid) == 16, "an object type is level and GUID")
		valid = valid && (n.level == 0) == (i == 0) && n.level <= 4 && (i == 0 || n.level <= q.nodes[i-1].level+1) && !seen[guid] && i < 4096
		q.nodes, seen[guid] = append(q.nodes, n), true
	}
	q.nodes = pick(len(q.nodes) == 0, []node{{}}, q.nodes)
	return valid
}

// end is one past the subtree of a node.
func (q *query) end(i int) int {
	for level := q.nodes[i].level; i+1 < len(q.nodes) && q.nodes[i+1].level > level; i++ {
	}
	return i + 1
}

// at is the node an entry is about: the whole object, or that of its type; -1 if it has none.
func (q *query) at(e *entry) int {
	if e.guid == "" || e.deny && len(q.certificate["objectTypes"].([]any)) == 0 {
		return 0
	}
	return slices.IndexFunc(q.nodes, func(n node) bool { return n.guid == e.guid })
}

// spread grants or denies m at a node and below it; an ancestor is granted what all its children are, and denied what one
// is. hit is what the subtree had still to decide.
func (q *query) spread(at int, m mask, deny bool) (hit mask) {
	up := m &^ q.nodes[at].got
	for i := q.end(at) - 1; i >= 0; i-- {
		n, bits := &q.nodes[i], pick(deny, up, ^mask(0))
		if i >= at {
			bits, hit = m, hit|m&n.open
		} else if q.end(i) <= at {
			continue
		}
		for c := i + 1; !deny && i < at && c < q.end(i); c = q.end(c) {
			bits &= q.nodes[c].got
		}
		n.got |= pick(deny, 0, bits&n.open)
		n.open &^= bits
	}
	return hit
}

// applies reports whether an entry is for the token in a pass, and its condition agrees.
func (q *query) applies(e *entry, pass string) bool {
	matches := e.acts && q.member(q.token, pass, pick(e.kind == 4, readSID(pick(e.kind == 4, e.data, string(selfSID))), e.sid), e.deny)
	if e.kind == 4 { // compound: a server and a client
		matches = matches && q.member(q.primary, "", e.sid, false)
	}
	if !matches || e.kind < 9 {
		return matches
	}
	truth := q.holds(e.data, e.deny, pass)
	return !q.set("claimsDisabled") && (truth == 1 || truth == 0 && e.deny)
}

// member reports whether a SID counts for a side of a token.
func (q *query) member(t *token, pass string, s sid, deny bool) bool {
	s = pick(s == selfSID && q.self != "", q.self, pick(s == ownerRights, q.owner, s))
	mine := pass == "package" && t.members[string(s)]&1 != 0                           // the user's side's to grant
	return t.members[pass+string(s)]&pick[byte](deny, 2, 1) != 0 && (deny || !mine)
}
