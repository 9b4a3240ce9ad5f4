package lsa

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/refmon/refmon/sid"
)

// differences holds that between two states there is a record of each difference, made by sets.
func (w *editWorld) differences(old, now *state) {
	w.Helper()
	facts := func(s *state) map[Change]string {
		out := map[Change]string{}
		for rid, a := range s.accounts {
			uid := a.UID
			a.UID = nil
			out[Change{What: "account", Detail: s.machine.WithRID(rid).String()}] = fmt.Sprintf("%+v %d", a, *uid)
		}
		for id, g := range s.groups {
			out[Change{What: "group", Detail: id.String()}] = g.Name
			for _, m := range g.Members {
				out[Change{"", "member", g.Name, m.String()}] = ""
			}
		}
		for id, g := range s.grants {
			for _, n := range append(g.Privileges.Names(), g.Rights.Names()...) {
				out[Change{"", "right", id.String(), n}] = ""
			}
		}
		return out
	}
	a, b := facts(old), facts(now)
	var want, got []string
	for c, text := range b {
		before, was := a[c]
		switch {
		case !was && c.What == "right":
			want = append(want, "right granted "+c.Subject+" "+c.Detail)
		case !was && c.What == "member":
			want = append(want, "member added "+c.Subject+" "+c.Detail)
		case !was:
			want = append(want, c.What+" created "+c.Detail)
		case before != text:
			want = append(want, c.What+" changed")
		}
	}
	for c := range a {
		if _, is := b[c]; is {
			continue
		}
		switch c.What {
		case "right":
			want = append(want, "right revoked "+c.Subject+" "+c.Detail)
		case "member": // those of a group that goes go with it
			if slices.ContainsFunc(slices.Collect(maps.Values(now.groups)), func(g Group) bool { return g.Name == c.Subject }) {
				want = append(want, "member removed "+c.Subject+" "+c.Detail)
			}
		default:
			want = append(want, c.What+" deleted "+c.Detail)
		}
	}
	e := &Edit{st: now, by: "S-1-5-18"}
	e.noteDifferences(old)
	for _, c := range e.changes {
		switch {
		case c.By != "S-1-5-18":
			w.Fatalf("by %s", c.By)
		case strings.HasSuffix(c.What, " changed"):
			got = append(got, c.What)
		case strings.HasPrefix(c.What, "account"), strings.HasPrefix(c.What, "group"):
			got = append(got, c.What+" "+c.Detail)
		default:
			got = append(got, c.What+" "+c.Subject+" "+c.Detail)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		w.Fatalf("L-22: differences\n%q\nwant\n%q", got, want)
	}
}

// plainState returns a state in a form in which two that say the same are equal.
func plainState(s *state) string {
	var b strings.Builder
	fmt.Fprintln(&b, s.machine, s.next)
	for _, rid := range slices.Sorted(maps.Keys(s.accounts)) {
		a := s.accounts[rid]
		uid := "-"
		if a.UID != nil {
			uid = fmt.Sprint(*a.UID)
		}
		a.UID = nil
		fmt.Fprintf(&b, "%d %+v uid %s\n", rid, a, uid)
	}
	for _, id := range slices.SortedFunc(maps.Keys(s.groups), sid.SID.Compare) {
		g := s.groups[id]
		gid := "-"
		if g.GID != nil {
			gid = fmt.Sprint(*g.GID)
		}
		fmt.Fprintf(&b, "%v %s %v gid %s %v\n", id, g.Name, g.SID, gid, g.Members)
	}
	for _, id := range slices.SortedFunc(maps.Keys(s.grants), sid.SID.Compare) {
		fmt.Fprintf(&b, "%v %v\n", id, s.grants[id])
	}
	return b.String()
}

// gone takes a SID out of all groups and rights.
func (w *editWorld) gone(id sid.SID) {
	delete(w.want.grants, id)
	for k, g := range w.want.groups {
		var left []sid.SID
		for _, m := range g.Members {
			if m != id {
				left = append(left, m)
			}
		}
		g.Members = left
		w.want.groups[k] = g
	}
}
