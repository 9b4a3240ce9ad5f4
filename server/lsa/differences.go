package lsa

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/refmon/refmon/sid"
)

// noteDifferences records what an import changed, for the audit: a change for each difference between before and the
// edited state, in a fixed order.
func (e *Edit) noteDifferences(before *state) {
	if old, now := before.machine, e.st.machine; old != now {
		e.note("machine SID set", old.String(), now.String())
	}
	for _, rid := range keys(before.accounts, e.st.accounts, func(a, b uint32) int { return int(int64(a) - int64(b)) }) {
		old, was := before.accounts[rid]
		now, is := e.st.accounts[rid]
		id := e.st.machine.WithRID(rid).String()
		switch {
		case !is:
			e.note("account deleted", old.Name, id)
		case !was:
			e.note("account created", now.Name, id)
		case !sameAccount(&old, &now):
			e.note("account changed", old.Name, changeOf(&old, &now))
		}
	}
	for _, id := range keys(before.groups, e.st.groups, sid.SID.Compare) {
		e.noteGroup(before, id)
	}
	for _, id := range keys(before.grants, e.st.grants, sid.SID.Compare) {
		old, now := before.grants[id], e.st.grants[id]
		e.noteRights("right granted", id, now.Privileges&^old.Privileges, now.Rights&^old.Rights)
		e.noteRights("right revoked", id, old.Privileges&^now.Privileges, old.Rights&^now.Rights)
	}
	if !slices.Equal(before.maps, e.st.maps) {
		e.SetMaps(e.st.maps)
	}
}

// noteGroup notes how the group id differs from before: whether it was created, changed or deleted, and which members
// it gained and lost.
func (e *Edit) noteGroup(before *state, id sid.SID) {
	old, was := before.groups[id]
	now, is := e.st.groups[id]
	switch {
	case !is:
		e.note("group deleted", old.Name, id.String())
		return
	case !was:
		e.note("group created", now.Name, id.String())
	case old.Name != now.Name || !sameID(old.GID, now.GID):
		e.note("group changed", old.Name, groupChangeOf(&old, &now))
	}
	for _, m := range without(now.Members, old.Members) {
		e.note("member added", now.Name, m.String())
	}
	for _, m := range without(old.Members, now.Members) {
		e.note("member removed", now.Name, m.String())
	}
}

// without returns the SIDs of a that are not in b, in their order.
func without(a, b []sid.SID) (out []sid.SID) {
	in := make(map[sid.SID]bool, len(b))
	for _, s := range b {
		in[s] = true
	}
	for _, s := range a {
		if !in[s] {
			out = append(out, s)
		}
	}
	return out
}

// changeOf lists the new values of an account, for the audit: "name bob, disabled". It is "" for equal accounts, and
// says of a password only that it changed.
func changeOf(old, now *Account) string {
	var parts []string
	if old.Name != now.Name {
		parts = append(parts, "name "+now.Name)
	}
	switch {
	case old.Disabled == now.Disabled:
	case now.Disabled:
		parts = append(parts, "disabled")
	default:
		parts = append(parts, "enabled")
	}
	if old.FullName != now.FullName {
		parts = append(parts, fmt.Sprintf("full name %q", now.FullName))
	}
	parts = appendID(parts, "uid", old.UID, now.UID)
	if old.Hash != now.Hash {
		parts = append(parts, "password")
	}
	return strings.Join(parts, ", ")
}

// groupChangeOf lists the new name and gid of a group, for the audit: "name crew, gid 51". It leaves out what is equal.
func groupChangeOf(old, now *Group) string {
	var parts []string
	if old.Name != now.Name {
		parts = append(parts, "name "+now.Name)
	}
	return strings.Join(appendID(parts, "gid", old.GID, now.GID), ", ")
}

// appendID appends the new uid or gid of an account or group, unless it is the old one. kind is "uid" or "gid".
func appendID(parts []string, kind string, old, now *uint32) []string {
	switch {
	case sameID(old, now):
		return parts
	case now == nil:
		return append(parts, "no "+kind)
	}
	return append(parts, fmt.Sprint(kind, " ", *now))
}

// sameAccount reports whether two accounts are equal in all fields, with their uids compared by value.
func sameAccount(a, b *Account) bool {
	x, y := *a, *b
	x.UID, y.UID = nil, nil
	return x == y && sameID(a.UID, b.UID)
}

// sameID reports whether two ids are equal. Two missing ones are.
func sameID(a, b *uint32) bool { return a == b || a != nil && b != nil && *a == *b }

// keys returns the keys of both maps in order, each once.
func keys[K comparable, V any](a, b map[K]V, order func(K, K) int) []K {
	all := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.SortFunc(all, order)
	return slices.Compact(all)
}
