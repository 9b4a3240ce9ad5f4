package script

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// reasons says why a call failed, was demoted, or found access denied: the
// rule and the object, and for a denied check the entries that decided.
func (t *transcript) reasons(c *nt.Call) []string {
	w := c.Why
	if w.Explanation != nil {
		return denials(w.Explanation, w.Object)
	}
	if w.Rule == "" {
		return nil
	}
	if w.Because != "" {
		return []string{"because " + w.Rule + ": " + w.Because}
	}
	switch text, exact := conditionText(c, w.Rule); {
	case w.Object == "" && text == "":
		return []string{"because " + w.Rule}
	case w.Object == "":
		return []string{"because " + w.Rule + ": " + text}
	case exact:
		return []string{"because " + w.Rule + " " + w.Object + ": " + text}
	}
	return []string{"because " + w.Rule + ": " + w.Object}
}

// ofHandles returns the conditions of referencing the handles of a service,
// whatever rules they are listed under: the first run of no handle, another
// type, and the missing right behind these two. Later ones are of handles that
// stand in a value. O-23 is about names.
func ofHandles(all []nt.Condition) []nt.Condition {
	reference := func(i int) bool {
		switch k := all[i]; k.Status {
		case ntstatus.InvalidHandle, ntstatus.ObjectTypeMismatch:
			return k.Rule != "O-23"
		case ntstatus.AccessDenied:
			before := i > 0 && (all[i-1].Status == ntstatus.InvalidHandle ||
				all[i-1].Status == ntstatus.ObjectTypeMismatch)
			return k.Rule == "O-31" || before && all[i-1].Rule != "O-23"
		}
		return false
	}
	first := 0
	for first < len(all) && !reference(first) {
		first++
	}
	last := first
	for last < len(all) && reference(last) {
		last++
	}
	return all[first:last]
}

// conditionText returns what the table of services says about a status by a
// rule: each condition it can be. It is not exact when it only speaks of the
// status, and empty when it does so more than once, since the reason may then
// be another.
func conditionText(c *nt.Call, rule string) (text string, exact bool) {
	var byRule, byStatus []string
	conditions := c.Row.Info().Conditions
	for _, k := range conditions {
		if k.Status == c.Status && k.Rule == rule {
			byRule = append(byRule, k.When)
		}
	}
	if rule == "O-31" {
		conditions = ofHandles(conditions)
	}
	for _, k := range conditions {
		if k.Status == c.Status {
			byStatus = append(byStatus, k.When)
		}
	}
	switch {
	case byRule != nil:
		return strings.Join(byRule, "; or "), true
	case len(byStatus) == 1:
		return byStatus[0], false
	}
	return "", false
}

// denials returns the lines of an explanation that decided against the caller:
// the entries and stages that refused, else the verdict.
func denials(ex *access.Explanation, object string) []string {
	if object != "" {
		object = " " + object
	}
	var lines []string
	for i := range ex.Steps {
		s := &ex.Steps[i]
		if s.Granted || s.Bits&ex.Asked == 0 {
			continue
		}
		where := ""
		if s.ACE >= 0 {
			where = fmt.Sprintf(" %s[%d] %s", s.List, s.ACE, s.Entry())
		}
		lines = append(lines, "because "+s.Rule+object+where+": "+s.Because)
	}
	if lines == nil {
		lines = append(lines, "because"+object+": "+ex.Verdict())
	}
	return lines
}
