package main

// read removes from the nodes the rights that one list does not grant. The user, the restricting SIDs and the package
// each need a grant. A package neither needs nor can get the rights in exempt. If q is strict and a right is lost,
// read returns false, which ends the check.
func (q *query) read(l list, exempt mask) bool {
	if l.dacl == nil {
		return q.readNone(l, exempt)
	}
	limit := ^q.own
	if !q.narrow(l, "", limit) {
		return false
	}
	if q.token.restricted && !q.narrow(l, "restricted", limit&q.restrictable()) {
		return false
	}
	return q.token.pkg == "" || q.narrow(l, "package", ^exempt)
}

// readNone does what read does for a missing DACL, which grants everything to the user and nothing to a package
//
func (q *query) readNone(l list, exempt mask) bool {
	if q.max {
		q.clip(q.own | q.mapping[3]&grantable | q.asked)
	}
	held := q.nodes[0].held
	if !l.rule {
		q.stage("A-42", held&^q.own, true)
	}
	if q.token.pkg != "" {
		q.stage("A-96", held&^exempt, false)
		q.clip(exempt)
	}
	return !q.strict || held == q.nodes[0].held
}

// clip removes all rights but those in rights from the nodes.
func (q *query) clip(rights mask) {
	for _, n := range q.nodes {
		n.held &= rights
	}
}

// restrictable returns the rights that a restricting SID must grant. A write-restricted token is restricted only in
// deleting, changing DACL or owner, and writing proper.
func (q *query) restrictable() mask {
	if !q.token.writeRestricted {
		return ^mask(0)
	}
	read, write, execute := q.mapping[0], q.mapping[1], q.mapping[2]
	return deleteRight | writeDAC | writeOwner | write&^(read|execute)
}

// narrow evaluates a list for one side of the token, pass, and removes the rights that it does not grant. Rights
// outside of limit stay. It returns false if that ends the check.
func (q *query) narrow(l list, pass string, limit mask) bool {
	before := q.nodes[0].held
	for _, n := range q.nodes {
		if !q.is("resultList") {
			n.held = before
		}
		n.open, n.got = n.held&limit, 0
	}
	rules := q.rulesOf(l, pass)
	isDenied := q.walk(l, pass, rules)
	for _, n := range q.nodes {
		n.held = n.held&^limit | n.got
	}
	interest, reported := q.asked, q.nodes[:1]
	if q.max {
		interest |= q.mapped(genericAll) &^ maximum
	}
	if q.is("resultList") {
		reported = q.nodes
	}
	for i, n := range reported {
		missing := n.open & interest
		if isDenied && q.strict {
			missing = 0 // the entry that denied has a step of its own
		}
		q.step(rules.missing, "", -1, pass, i, missing, false)
	}
	return !q.strict || q.nodes[0].held == before
}

// walkRules are the rules that the steps of a pass over a list name: of an entry that allows, of one that denies, and
// of rights that no entry grants.
type walkRules struct{ allow, deny, missing string }

// rulesOf returns the rules of a pass.
func (q *query) rulesOf(l list, pass string) walkRules {
	rules := walkRules{"A-70", "A-41", "A-40"}
	switch {
	case pass == "restricted":
		rules = walkRules{"A-90", "A-92", "A-90"}
	case pass == "package":
		rules = walkRules{"A-94", "A-94", "A-95"}
	case q.typed:
		rules.allow, rules.deny = "A-82", "A-83"
	case q.strict:
		rules.deny = "A-70"
	}
	if pass == "" && len(l.dacl) == 0 {
		rules.missing = "A-43"
	}
	if l.rule {
		rules.missing = "A-101"
	}
	return rules
}

// walk applies the entries of a list to the nodes. The first applicable entry that contains a right decides it.
// A denial ends the walk if q is strict. walk reports whether an entry denied a right.
func (q *query) walk(l list, pass string, rules walkRules) (isDenied bool) {
	for i, e := range l.dacl {
		at, bits := q.target(&e), q.mapped(e.mask)&q.undecided()
		if bits == 0 || at < 0 || !q.applies(&e, pass) {
			continue
		}
		root := q.nodes[0].open
		changed := q.spread(at, bits, e.deny)
		if !e.deny {
			q.step(rules.allow, l.name, i, pass, at, bits, true)
			continue
		}
		if q.strict && root == q.nodes[0].open {
			bits = 0 // the node has them already, so nothing is denied
		}
		q.step(rules.deny, l.name, i, pass, at, bits, false)
		isDenied = isDenied || bits != 0
		if q.strict && changed {
			break
		}
	}
	return isDenied
}

// undecided returns the rights that a node has still to decide.
func (q *query) undecided() (bits mask) {
	for _, n := range q.nodes {
		bits |= n.open
	}
	return bits
}

// applies reports whether an entry matches the token in a pass and its condition holds. A compound entry has a
// client and a server SID.
func (q *query) applies(e *entry, pass string) bool {
	if !e.acts {
		return false
	}
	client := e.sid
	if e.kind == compoundAllow {
		client = readSID(e.data)
		if !q.member(q.primary, "", e.sid, false) {
			return false
		}
	}
	if !q.member(q.token, pass, client, e.deny) {
		return false
	}
	if e.kind < firstCallback {
		return true
	}
	if q.is("claimsDisabled") {
		return false
	}
	// A condition that is unknown denies, and does not allow.
	result := q.holds(e.data, e.deny, pass)
	return result == 1 || e.deny && result == 0
}

// member reports whether a SID matches one side of a token. For a package, a SID that the user's side has
// does not match.
func (q *query) member(t *token, pass, sid string, deny bool) bool {
	switch {
	case sid == selfSID && q.self != "":
		sid = q.self
	case sid == ownerRights:
		sid = q.owner
	}
	if deny {
		return t.members[pass+sid]&denies != 0
	}
	isUsers := pass == "package" && t.members[sid]&allows != 0
	return t.members[pass+sid]&allows != 0 && !isUsers
}
