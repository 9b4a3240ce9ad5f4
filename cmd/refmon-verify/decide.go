package main

import (
	"slices"
	"strings"
)

// Statuses of a decision.
const (
	success          = "STATUS_SUCCESS"
	denied           = "STATUS_ACCESS_DENIED"
	invalid          = "STATUS_INVALID_PARAMETER"
	wrongLevel       = "STATUS_BAD_IMPERSONATION_LEVEL"
	privilegeNotHeld = "STATUS_PRIVILEGE_NOT_HELD"
)

// requestFields are the fields of a certificate that state the request.
var requestFields = []string{"adOwnerReadOnly", "backup", "certificate", "claimsDisabled", "desired", "kernelMode",
	"level", "mapping", "objectTypes", "policies", "previous", "primary", "restore", "resultList", "self"}

// query is a request and the state of its decision.
type query struct {
	c       map[string]any // the certificate
	mapping [4]mask        // rights of the object's type for generic read, write, execute, all
	owner   string
	self    string // replaces PRINCIPAL SELF; "": nothing does
	sacl    []entry
	token   *token
	primary *token // of the server, for compound entries

	asked, previous mask // requested, and granted before
	max             bool // MAXIMUM_ALLOWED is requested
	typed           bool // there are object types
	strict          bool // a missing right ends the check

	nodes       []*node // the object tree, in preorder; the first node is the object
	byPrivilege mask
	own         mask  // rights of the owner without an entry
	used        []any // names of the privileges that granted a right
	steps       []any // of the certificate
}

// list is a DACL to evaluate: the object's, or that of a central access rule.
type list struct {
	name string
	rule bool
	dacl []entry // nil: a NULL DACL or none
}

// decide repeats the access check of a request and returns its certificate without hashes. Malformed input panics. An
// empty descriptor means none. The results of object types are empty unless the request is for a list.
func decide(c map[string]any, descriptor, file string) map[string]any {
	q, dacl := newQuery(c, descriptor, file)
	status := q.answer(descriptor == "", dacl)
	want, results := map[string]any{}, []any{}
	for _, key := range requestFields {
		want[key] = c[key]
	}
	want["status"], want["granted"] = status, mask(0).String()
	for i, n := range q.nodes {
		s, granted := q.result(n, status)
		results = append(results, s+" "+granted.String())
		if i == 0 {
			want["status"] = s
			if s == success {
				want["granted"] = granted.String()
			}
		}
	}
	if !q.is("resultList") {
		results = []any{}
	}
	slices.SortFunc(q.used, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	want["privileges"], want["steps"], want["results"] = q.used, q.steps, results
	return want
}

// newQuery parses a request and returns it with the object's DACL.
func newQuery(c map[string]any, descriptor, file string) (q *query, dacl []entry) {
	q = &query{c: c, token: parseToken(file), steps: []any{}, used: []any{}}
	q.primary = q.token
	if primary := c["primary"].(string); primary != "" {
		q.primary = parseToken(primary)
	}
	q.owner, q.sacl, dacl = parseDescriptor(descriptor)
	if self := c["self"].(string); self != "" {
		q.self = parseSID(self, "")
	}
	for _, e := range q.sacl {
		if e.kind == resourceAttribute && e.live {
			q.token.parseAttribute(e.data)
		}
	}
	for i, m := range c["mapping"].([]any) {
		q.mapping[i] = parseMask(m)
	}
	asked := q.mapped(parseMask(c["desired"]))
	q.asked, q.max = asked&^maximum, asked&maximum != 0
	q.previous = q.mapped(parseMask(c["previous"]))
	q.strict = !q.max && !q.is("resultList")
	return q, dacl
}

// is reports whether a flag of the request is set.
func (q *query) is(flag string) bool { return q.c[flag].(bool) }

// result returns the status and the rights of a node after a check with this status. A denied node still reports the
// requested rights that it has.
func (q *query) result(n *node, status string) (string, mask) {
	total := n.held | q.byPrivilege | q.previous
	isLacking := q.asked&^total != 0 || q.max && total == 0
	switch {
	case status != success:
		return status, 0
	case !q.is("kernelMode") && isLacking:
		return denied, q.asked & total
	case q.max:
		return success, total
	}
	return success, q.asked | q.previous
}

// step adds a step to the certificate: the entry or stage that granted or refused bits. A stage has no list. Without
// bits there is no step.
func (q *query) step(rule, list string, ace int, pass string, node int, bits mask, granted bool) {
	if bits != 0 {
		q.steps = append(q.steps, map[string]any{"rule": rule, "list": list, "ace": ace, "pass": pass, "node": node,
			"bits": bits.String(), "granted": granted})
	}
}

// stage adds the step of a stage, about the object as a whole.
func (q *query) stage(rule string, bits mask, granted bool) {
	q.step(rule, "", -1, "", 0, bits, granted)
}

// privilege grants bits if the token holds a privilege, and records it as used. It reports whether it granted any.
func (q *query) privilege(rule, name string, bits mask) bool {
	bits &^= q.byPrivilege
	if bits == 0 || !q.token.privileges[name] {
		return false
	}
	q.byPrivilege |= bits
	q.used = append(q.used, name)
	q.stage(rule, bits, true)
	return true
}

// answer decides the query and returns the NTSTATUS name. The argument none means that there is no
// descriptor. On success the nodes hold the granted rights. An invalid parameter sets the nodes to nil. A missing
// SeSecurityPrivilege clears the used privileges.
func (q *query) answer(none bool, dacl []entry) string {
	if status := q.prologue(q.plant(), none); status != "" {
		return status
	}
	need := q.asked &^ q.previous
	q.stage("A-35", q.asked&q.previous, true)
	q.intend(need)
	if bit := need & systemSecurity &^ q.byPrivilege; bit != 0 && !q.privilege("A-50", "SeSecurityPrivilege", bit) {
		q.stage("A-50", bit, false)
		q.used = []any{}
		return privilegeNotHeld
	}
	ceiling := q.ceiling(need)
	q.byPrivilege &= ceiling
	if q.strict && need&^ceiling != 0 {
		return denied
	}
	if bit := need & writeOwner & ceiling; !q.privilege("A-51", "SeTakeOwnershipPrivilege", bit) {
		q.privilege("A-51", "SeRelabelPrivilege", bit)
	}
	possible := need &^ q.byPrivilege
	if q.max {
		possible = grantable
	}
	for _, n := range q.nodes {
		n.held = possible & ceiling
	}
	q.grantOwner(dacl, possible&ceiling)
	if !q.read(list{"DACL", false, dacl}, 0) || !q.policy() {
		return denied
	}
	return success
}

// prologue decides a request that needs no list of the descriptor, and returns its status. It returns "" if the check
// goes on. isTree says whether the object types are a tree.
func (q *query) prologue(isTree, none bool) string {
	levels := []string{"", "Anonymous", "Identification", "Impersonation", "Delegation"}
	level := slices.Index(levels, q.c["level"].(string))
	check(level >= 0, "the level %v", q.c["level"])
	asksNothing := q.asked == 0 && !q.max
	switch {
	case q.is("resultList") && !(isTree && q.typed):
		return q.end("A-25", invalid, q.asked)
	case q.is("kernelMode"):
		granted := q.asked | q.previous
		if q.max {
			granted |= q.mapping[3]
		}
		return q.end("A-31", success, granted)
	case none:
		return q.end("A-32", denied, q.asked)
	case level == 1 || level == 2:
		return q.end("A-30", wrongLevel, q.asked)
	case asksNothing && q.previous != 0:
		return q.end("A-35", success, q.previous)
	case asksNothing:
		return q.end("A-33", denied, 0)
	case !isTree:
		return q.end("A-25", invalid, q.asked)
	}
	return ""
}

// end ends the check with a status, which it returns. All nodes hold the bits.
func (q *query) end(rule, status string, bits mask) string {
	q.stage(rule, bits, status == success)
	for _, n := range q.nodes {
		n.held = bits
	}
	if status == invalid {
		q.nodes = nil
	}
	return status
}

// intend grants the rights of a declared intent to back up or restore the object, if the token holds the privilege
//
func (q *query) intend(need mask) {
	if q.max {
		need = ^q.previous
	}
	if q.is("backup") {
		q.privilege("A-54", "SeBackupPrivilege", need&backupRights)
	}
	if q.is("restore") {
		q.privilege("A-54", "SeRestorePrivilege", need&restoreRights)
	}
}

// grantOwner grants the owner READ_CONTROL and WRITE_DAC without an entry. An OWNER RIGHTS entry ends that, and
// so does a restricted token without the owner among its restricting SIDs.
func (q *query) grantOwner(dacl []entry, possible mask) {
	const rights = readControl | writeDAC
	if possible&rights == 0 || q.token.members[q.owner]&allows == 0 {
		return
	}
	isNamed := slices.ContainsFunc(dacl, func(e entry) bool { return e.sid == ownerRights && e.live })
	if isNamed || q.token.restricted && q.token.members["restricted"+q.owner]&allows == 0 {
		q.stage("A-56", rights, false)
		return
	}
	q.own = possible & rights
	if q.is("adOwnerReadOnly") {
		q.own &^= writeDAC
	}
	q.stage("A-56", q.own, true)
}

// policy reports whether the central access rules grant what q requests. Without a policy entry in the
// SACL that is so. The rules of the recovery policy count for a policy that the certificate does not define.
func (q *query) policy() bool {
	at := q.first(policyID)
	if at < 0 {
		return true
	}
	policies := q.c["policies"].(map[string]any)
	rules := policies[""] // those of the recovery policy
	for id, own := range policies {
		if id != "" && parseSID(id, "") == q.sacl[at].sid {
			rules = own
		}
	}
	for _, v := range as[[]any](rules) {
		rule := v.([]any)
		name, condition := rule[0].(string), unhex(rule[1])
		_, _, dacl := parseDescriptor(unhex(rule[2]))
		if condition != "" && q.holds(condition, false, "") != 1 {
			continue
		}
		if !q.read(list{name, true, dacl}, q.own) {
			return false
		}
	}
	return true
}
