package calltext

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// Reasons returns the lines that explain why a call failed, was demoted or was denied access: the rule and the object,
// and for a denied check the deciding entries. It returns nil if the call recorded no rule. A reason of the call takes
// precedence over the text of the rule.
func Reasons(c *nt.Call) []string {
	w := c.Why
	if w.Explanation != nil {
		return denials(w.Explanation, w.Object)
	}
	if w.Rule == "" {
		return nil
	}
	if w.Because != "" {
		return because(&w)
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

// because returns the reason that a call recorded itself. Its first line names the rule and, if there is one, the
// object.
func because(w *nt.Why) []string {
	at := w.Rule
	if w.Object != "" {
		at += " " + w.Object
	}
	lines := strings.Split(strings.TrimRight(w.Because, "\n"), "\n")
	lines[0] = "because " + at + ": " + lines[0]
	for i := range lines[1:] {
		lines[i+1] = "  " + lines[i+1]
	}
	return lines
}

// ofHandles selects a service's documented failures of referencing its handles: invalid handle, wrong type, missing
// right. Only the first consecutive group is selected, because later ones are about handles inside a value. O-23, about
// names, is left out. Without a group the result is empty.
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

// conditionText returns the documented failure that explains a call's status. Conditions with this status and rule
// are joined by "; or ", and exact is true. If only the status matches, exact is false; the text is "" unless exactly
// one condition has the status.
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

// denials returns one line for each entry or stage that refused a requested right, from the explanation of an access
// check. If none refused, it returns the verdict. object names the checked object and may be "".
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
			where = fmt.Sprintf(": entry %d of the %s %s", s.ACE+1, s.List, s.Entry())
		}
		lines = append(lines, "because "+s.Rule+object+where+": "+s.Because)
	}
	if lines == nil {
		lines = append(lines, "because"+object+": "+ex.Verdict())
	}
	return lines
}
