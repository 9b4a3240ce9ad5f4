package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

type mask uint32

// Rights with special treatment, and statuses.
const (
	deleteRight, readControl, writeDAC, writeOwner, synchronize mask = 0x10000, 0x20000, 0x40000, 0x80000, 0x100000
	systemSecurity, maximum, generic                            mask = 0x1000000, 0x2000000, 0xF0000000
	// by an entry
	grantable                        = ^(systemSecurity | maximum | generic)
	backupRights, restoreRights mask = 0x11200A9, 0x11F0116 // Declared intent grants these.
	success, denied, invalid         = "STATUS_SUCCESS", "STATUS_ACCESS_DENIED", "STATUS_INVALID_PARAMETER"
)

var selfSID, ownerRights = parseSID("PS", ""), parseSID("OW", "")

func (m mask) String() string { return fmt.Sprintf("0x%08x", uint32(m)) }

func parseMask(v any) mask {
	m := mask(must(strconv.ParseUint(v.(string), 0, 32)))
	check(m.String() == v, "the mask %v: write 0x and eight digits", v)
	return m
}

// node is a node of the object tree with the rights decided so far; the first stands for the whole object.
type node struct {
	level           int
	guid            string
	held, open, got mask // after the passes so far; still to decide and granted in the one that runs
}

// query is a request and the state of its decision.
type query struct {
	c                                 map[string]any // the certificate
	mapping                           [4]mask        // read, write, execute, all
	owner, self                       string
	sacl                              []entry
	token, primary                    *token
	asked, previous, own, byPrivilege mask // mapped; own are the rights of the owner without an entry
	// there are object types; MAXIMUM_ALLOWED was requested; a missing right ends the check
	typed, max, strict bool
	nodes              []*node
	steps, used        []any
}

// list is an ACL to evaluate: the object's, or that of a central access rule.
type list struct {
	name string
	rule bool
	dacl []entry
}

func (q *query) is(flag string) bool { return q.c[flag].(bool) }

func (q *query) mapped(m mask) mask {
	for i, rights := range q.mapping {
		m |= pick(m<<i>>31 != 0, rights, 0)
	}
	return m &^ generic
}

// step adds a step to the certificate: the entry or stage that granted or refused bits. A stage has no list.
func (q *query) step(rule, list string, ace int, pass string, node int, bits mask, granted bool) {
	if bits != 0 {
		q.steps = append(q.steps, map[string]any{"rule": rule, "list": list, "ace": ace, "pass": pass, "node": node,
			"bits": bits.String(), "granted": granted})
	}
}

func (q *query) stage(rule string, bits mask, granted bool) {
	q.step(rule, "", -1, "", 0, bits, granted)
}

// privilege grants bits if the token holds the privilege name, and records it as used. It reports whether it granted
// any.
func (q *query) privilege(rule, name string, bits mask) bool {
	if bits &^= q.byPrivilege; bits == 0 || !q.token.privileges[name] {
		return false
	}
	q.byPrivilege, q.used = q.byPrivilege|bits, append(q.used, name)
	q.stage(rule, bits, true)
	return true
}

// decide repeats the access check of a request and returns its certificate without hashes. Malformed input panics. An
// empty descriptor means none. The results of object types are empty unless the request is for a list.
func decide(c map[string]any, descriptor, file string) map[string]any {
	want, primary, self := map[string]any{}, c["primary"].(string), c["self"].(string)
	for _, key := range strings.Fields(`adOwnerReadOnly backup certificate claimsDisabled desired kernelMode level mapping
		objectTypes policies previous primary restore resultList self`) {
		want[key] = c[key]
	}
	q := &query{c: c, token: parseToken(file), primary: parseToken(pick(primary == "", file, primary)), steps: []any{},
		used: []any{}}
	owner, sacl, dacl := parseDescriptor(descriptor)
	q.owner, q.sacl = owner, sacl
	if self != "" {
		q.self = parseSID(self, "")
	}
	for _, e := range sacl {
		if e.kind == 0x12 && e.live {
			q.token.parseAttribute(e.data)
		}
	}
	for i, m := range c["mapping"].([]any) {
		q.mapping[i] = parseMask(m)
	}
	q.asked, q.previous = q.mapped(parseMask(c["desired"])), q.mapped(parseMask(c["previous"]))
	q.max, q.asked, q.strict = q.asked&maximum != 0, q.asked&^maximum, q.asked&maximum == 0 && !q.is("resultList")
	status, results := q.answer(descriptor == "", dacl), []any{}
	want["status"], want["granted"] = status, mask(0).String()
	for i, n := range q.nodes {
		total, s, granted := n.held|q.byPrivilege|q.previous, status, mask(0)
		switch {
		case status != success:
		case !q.is("kernelMode") && (q.asked&^total != 0 || q.max && total == 0): // A right is lacking, or all are.
			s, granted = denied, q.asked&total // The denied node still reports what it has.
		default:
			granted = pick(q.max, total, q.asked|q.previous)
		}
		if results = append(results, s+" "+granted.String()); i == 0 {
			want["status"], want["granted"] = s, pick(s == success, granted, 0).String()
		}
	}
	slices.SortFunc(q.used, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	want["privileges"], want["steps"], want["results"] = q.used, q.steps, pick(q.is("resultList"), results, []any{})
	return want
}

// answer decides the query and returns the NTSTATUS name. The argument none means that there is no
// descriptor. On success the nodes hold the granted rights. An invalid parameter sets the nodes to nil. A missing
// SeSecurityPrivilege clears the used privileges.
func (q *query) answer(none bool, dacl []entry) string {
	valid, level := q.plant(), slices.Index([]string{"", "Anonymous", "Identification", "Impersonation", "Delegation"},
		q.c["level"].(string))
	check(level >= 0, "the level %v", q.c["level"])
	for _, r := range [...]struct {
		applies      bool
		rule, status string
		bits         mask
	}{
		{q.is("resultList") && !(valid && q.typed), "A-25", invalid, q.asked},
		{q.is("kernelMode"), "A-31", success, q.asked | q.previous | pick(q.max, q.mapping[3], 0)},
		{none, "A-32", denied, q.asked},
		{level == 1 || level == 2, "A-30", "STATUS_BAD_IMPERSONATION_LEVEL", q.asked},
		{q.c["desired"] == mask(0).String() && q.previous != 0, "A-35", success, q.previous},
		{q.c["desired"] == mask(0).String(), "A-33", denied, 0},
		{!valid, "A-25", invalid, q.asked},
	} {
		if r.applies {
			q.stage(r.rule, r.bits, r.status == success)
			each(q.nodes, func(n *node) { n.held = r.bits })
			q.nodes = pick(r.status == invalid, nil, q.nodes)
			return r.status
		}
	}
	need, want := q.asked&^q.previous, pick(q.max, ^q.previous, q.asked&^q.previous)
	q.stage("A-35", q.asked&q.previous, true)
	q.privilege("A-54", "SeBackupPrivilege", pick(q.is("backup"), want&backupRights, 0))
	q.privilege("A-54", "SeRestorePrivilege", pick(q.is("restore"), want&restoreRights, 0))
	if bit := need & systemSecurity &^ q.byPrivilege; bit != 0 && !q.privilege("A-50", "SeSecurityPrivilege", bit) {
		q.stage("A-50", bit, false)
		q.used = []any{}
		return "STATUS_PRIVILEGE_NOT_HELD"
	}
	ceiling := q.ceiling(need)
	if q.byPrivilege &= ceiling; q.strict && need&^ceiling != 0 {
		return denied
	}
	_ = q.privilege("A-51", "SeTakeOwnershipPrivilege", need&writeOwner&ceiling) ||
		q.privilege("A-51", "SeRelabelPrivilege", need&writeOwner&ceiling)
	held := pick(q.max, grantable, need&^q.byPrivilege) & ceiling
	each(q.nodes, func(n *node) { n.held = held })
	if held&(readControl|writeDAC) != 0 && q.token.members[q.owner]&1 != 0 { // Owning grants the two.
		lost := some(dacl, func(e entry) bool { return e.sid == ownerRights && e.live }) || q.token.restricted &&
			q.token.members["restricted"+q.owner]&1 == 0
		q.own = pick(lost, 0, held&(readControl|pick(q.is("adOwnerReadOnly"), 0, writeDAC)))
		q.stage("A-56", pick(lost, readControl|writeDAC, q.own), !lost)
	}
	return pick(q.read(list{"DACL", false, dacl}, 0) && q.policy(), success, denied)
}

// ceiling returns the rights that trust label, access filters and integrity label permit. Only the
// first live trust label and the first live integrity label count. Without an integrity label, the object has medium
// integrity and no-write-up. SeRelabelPrivilege keeps WRITE_OWNER. need only affects the recorded steps.
func (q *query) ceiling(need mask) mask {
	t, m, left := q.token, q.mapping, ^mask(0)
	limit := func(rule string, at int, rights mask) {
		q.step(rule, pick(at < 0, "", "SACL"), at, "", 0, (need|pick(q.max, m[3], 0))&^rights, false)
		left &= rights
	}
	// of a type, and whether its SID is of this authority
	first := func(kind byte, authority string) (int, entry, bool) {
		i := slices.IndexFunc(q.sacl, func(e entry) bool { return e.kind == kind && e.live })
		e := append(q.sacl, entry{sid: "\x01\x00"})[max(i, 0)]
		return i, e, i >= 0 && strings.HasPrefix(e.sid[2:], "\x00\x00\x00\x00\x00"+authority) && e.sid[1] > 0
	}
	if i, e, is := first(0x14, "\x13"); i >= 0 && !(is && e.sid[1] == 2 && sub(t.trust, 0) >= sub(e.sid, 0) &&
		sub(t.trust, 1) >= sub(e.sid, 1)) {
		limit("A-64", i, q.mapped(e.mask)|systemSecurity)
	}
	for i, e := range q.sacl {
		if e.kind == 0x15 && e.live && q.holds(e.data, false, "") != 1 {
			limit("A-65", i, q.mapped(e.mask)|systemSecurity)
		}
	}
	level, policy, at := uint64(0x2000), mask(1), -1
	if i, e, is := first(0x11, "\x10"); i >= 0 && is {
		level, policy, at = sub(e.sid, e.sid[1]-1), e.mask&7, i
	}
	if t.noWriteUp && t.level < level && (t.pkg == "" || level > 0x2000) && policy != 0 {
		rights := m[0] | m[2] | synchronize | readControl | pick(policy&1 == 0, m[3]|systemSecurity, 0)
		var classes [2]mask // permitted, forbidden
		for i, c := range [3]mask{m[1] | deleteRight | writeDAC | writeOwner | systemSecurity, m[0] | readControl,
			m[2]&^m[0] | synchronize} {
			classes[policy>>i&1] |= c
		}
		limit("A-62", at, rights&^(classes[1]&^classes[0])|pick(t.privileges["SeRelabelPrivilege"], writeOwner, 0))
	}
	return left
}

// policy reports whether the central access rules grant what q requests. Without a policy entry in the
// SACL that is so. The rules of the recovery policy count for a policy that the case does not define.
func (q *query) policy() bool {
	policies := q.c["policies"].(map[string]any)
	// recovery
	i, rules := slices.IndexFunc(q.sacl, func(e entry) bool { return e.kind == 0x13 && e.live }), policies[""]
	for id, r := range policies {
		if id != "" && i >= 0 && parseSID(id, "") == q.sacl[i].sid {
			rules = r
		}
	}
	return i < 0 || !some(as[[]any](rules), func(r any) bool {
		rule := r.([]any)
		_, _, dacl := parseDescriptor(unhex(rule[2]))
		return (rule[1] == "" || q.holds(unhex(rule[1]), false, "") == 1) &&
			!q.read(list{rule[0].(string), true, dacl}, q.own)
	})
}
