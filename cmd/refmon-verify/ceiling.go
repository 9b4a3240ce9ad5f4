package main

import "slices"

// mediumIntegrity is the integrity level of an object without a label.
const mediumIntegrity = 0x2000

// Bits of an integrity label's policy.
const (
	noWriteUp   mask = 1 << iota
	_                // no read up
	_                // no execute up
	labelPolicy = 7
)

// ceiling returns the rights that trust label, access filters and integrity label permit. need only
// affects the recorded steps.
func (q *query) ceiling(need mask) mask {
	if q.max {
		need |= q.mapping[3]
	}
	left := ^mask(0)
	limit := func(rule string, at int, rights mask) {
		list := "SACL"
		if at < 0 {
			list = "" // the default label is in no list
		}
		q.step(rule, list, at, "", 0, need&^rights, false)
		left &= rights
	}
	if at := q.first(trustLabel); at >= 0 && !q.token.isTrusted(q.sacl[at].sid) {
		limit("A-64", at, q.mapped(q.sacl[at].mask)|systemSecurity)
	}
	for i, e := range q.sacl {
		if e.kind == accessFilter && e.live && q.holds(e.data, false, "") != 1 {
			limit("A-65", i, q.mapped(e.mask)|systemSecurity)
		}
	}
	if at, rights := q.integrity(); rights != ^mask(0) {
		limit("A-62", at, rights)
	}
	return left
}

// first returns the index in the SACL of the first entry of a kind that is not inherit-only, or -1.
func (q *query) first(kind byte) int {
	return slices.IndexFunc(q.sacl, func(e entry) bool { return e.kind == kind && e.live })
}

// isTrusted reports whether the token's trust level reaches that of a trust label, in type and level. It
// reaches no malformed label.
func (t *token) isTrusted(label string) bool {
	return hasAuthority(label, 19) && label[1] == 2 && sub(t.trust, 0) >= sub(label, 0) && sub(t.trust, 1) >= sub(label, 1)
}

// integrity returns the rights that the integrity label leaves to the token, and the label's index in
// the SACL, -1 for the default label: medium integrity and no-write-up. SeRelabelPrivilege keeps WRITE_OWNER.
func (q *query) integrity() (at int, rights mask) {
	at = -1
	level, policy, t := uint64(mediumIntegrity), noWriteUp, q.token
	if i := q.first(integrityLabel); i >= 0 && hasAuthority(q.sacl[i].sid, 16) {
		label := q.sacl[i]
		at, level, policy = i, sub(label.sid, label.sid[1]-1), label.mask&labelPolicy
	}
	isLower := t.level < level && (t.pkg == "" || level > mediumIntegrity)
	if !t.noWriteUp || !isLower || policy == 0 {
		return at, ^mask(0)
	}
	read, write, execute, all := q.mapping[0], q.mapping[1], q.mapping[2], q.mapping[3]
	rights = read | execute | synchronize | readControl
	if policy&noWriteUp == 0 {
		rights |= all | systemSecurity
	}
	// A right that is in a forbidden class and in a permitted one stays.
	var forbidden, permitted mask
	for i, class := range [3]mask{write | deleteRight | writeDAC | writeOwner | systemSecurity, read | readControl,
		execute&^read | synchronize} {
		if policy>>i&1 != 0 {
			forbidden |= class
		} else {
			permitted |= class
		}
	}
	rights &^= forbidden &^ permitted
	if t.privileges["SeRelabelPrivilege"] {
		rights |= writeOwner
	}
	return at, rights
}
