package claims

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/refmon/refmon/sid"
)

// Limits of the texts of [Expr.Unmet].
const (
	mostUnmet  = 4  // texts
	mostListed = 3  // values of one list
	mostQuoted = 40 // characters of one string or name, bytes of one octet string
)

// Unmet returns one text for each test of the condition that keeps it from being true, with the compared values:
// "@USER.clearance = 2, needed >= 3". Names and strings are quoted, so that a text has no control characters.
// Long names, values and lists are cut. At most four texts are returned, and then one with the number of the others. It
// returns nil for a condition that is true, and for a program that has no result. aliasOf is as in
// [Expr.Format].
func (e *Expr) Unmet(env Env, aliasOf func(sid.SID) string) []string {
	if e.state == stateBroken {
		return nil
	}
	u := unmet{e: e, env: env, alias: aliasOf}
	u.walk(e.root, True)
	var texts []string
	for i, x := range u.tests {
		if i == mostUnmet {
			return append(texts, fmt.Sprintf("and %d more", len(u.tests)-i))
		}
		texts = append(texts, u.testText(x.at, x.want))
	}
	return texts
}

// unmet collects the tests of a condition that [Expr.Unmet] reports.
type unmet struct {
	e     *Expr
	env   Env
	alias func(sid.SID) string
	tests []unmetTest
}

// unmetTest is a test whose result is not want, the one that the condition needs.
type unmetTest struct {
	at   ref
	want Truth
}

// walk evaluates one part of the condition and returns its result. It records the tests in this part that keep it from
// being the wanted result. It evaluates each test once.
func (u *unmet) walk(part ref, wanted Truth) Truth {
	before := len(u.tests)
	var got Truth
	op := byte(0)
	if part >= 0 {
		op = u.e.nodes[part].op
	}
	switch op {
	case opAnd, opOr:
		n := &u.e.nodes[part]
		x := u.walk(n.left, wanted)
		got = andOr(op, x, u.walk(n.right, wanted))
	case opNot:
		got = u.walk(u.e.nodes[part].left, wanted.Not()).Not()
	default:
		if got = u.e.truth(u.env, part); got != wanted {
			u.tests = append(u.tests, unmetTest{part, wanted})
		}
	}
	if got == wanted { // one side of a disjunction is enough
		u.tests = u.tests[:before]
	}
	return got
}

// testText returns the text of one test, such as "@USER.clearance = 2, needed >= 3". wanted is the result that the
// condition needs.
func (u *unmet) testText(part ref, wanted Truth) string {
	needed := ", needed "
	if wanted == False {
		needed += "not "
	}
	if part < 0 {
		return u.known(part) + needed + "a value that is true"
	}
	n := &u.e.nodes[part]
	op := &operators[n.op]
	switch op.family {
	case famMember:
		is := " is not met"
		if wanted == False {
			is = " is met"
		}
		return op.text + " " + u.constant(n.left) + is
	case famExists:
		return u.known(n.left) + needed + op.text
	}
	return u.known(n.left) + needed + op.text + " " + u.known(n.right)
}

// known returns the text of an operand: an attribute with its values, or a constant.
func (u *unmet) known(r ref) string {
	if r >= 0 || u.e.operands[^r].kind != kindAttribute {
		return u.constant(r)
	}
	o := &u.e.operands[^r]
	kept, mark := cut(o.name)
	name := o.scope.String() + string(appendEscaped(nil, kept)) + mark // the mark is no part of the name
	a, found := u.env.Attribute(o.scope, o.name)
	switch {
	case !found || a.Type == 0:
		return name + " is absent"
	case a.Flags&FlagDisabled != 0:
		return name + " is disabled"
	case a.Len() == 0:
		return name + " has no values"
	case a.Len() > MaxValues:
		return name + " has too many values"
	case a.Duplicates():
		return name + " has a value twice and is ignored"
	}
	var values []string
	for i := range min(a.Len(), mostListed) {
		values = append(values, u.value(&a, i))
	}
	return name + " = " + joinShown(values, a.Len(), a.Len() > 1)
}

// constant returns the literals of an operand as text, and "(…)" for the result of another operator.
func (u *unmet) constant(r ref) string {
	if r >= 0 {
		return "(…)"
	}
	o := &u.e.operands[^r]
	if o.kind == kindAttribute {
		return u.known(r)
	}
	var values []string
	for i := range min(len(o.lits), mostListed) {
		switch l := &o.lits[i]; l.typ {
		case String:
			values = append(values, quoted(l.s))
		case Octets:
			values = append(values, octets([]byte(l.s)))
		case SID:
			values = append(values, u.sid(l.sid))
		default:
			values = append(values, strconv.FormatInt(l.i, 10))
		}
	}
	return joinShown(values, len(o.lits), o.kind == kindComposite)
}

// value returns one value of an attribute as text.
func (u *unmet) value(attribute *Attribute, index int) string {
	switch attribute.Type {
	case Int64:
		return strconv.FormatInt(attribute.Ints[index], 10)
	case String:
		return quoted(attribute.Strings[index])
	case SID:
		return u.sid(attribute.SIDs[index])
	case Octets:
		return octets(attribute.Octets[index])
	}
	return strconv.FormatUint(attribute.Uints[index], 10)
}

// sid returns a SID as SID(…), with its alias if it has one.
func (u *unmet) sid(s sid.SID) string {
	if u.alias != nil {
		if text := u.alias(s); text != "" {
			return "SID(" + text + ")"
		}
	}
	return "SID(" + s.String() + ")"
}

// joinShown joins the shown values of a list, in braces if it is a set. total is the number of all values; it counts
// those that are not shown.
func joinShown(shown []string, total int, isSet bool) string {
	if total > len(shown) {
		shown = append(shown, fmt.Sprintf("… %d more", total-len(shown)))
	}
	text := strings.Join(shown, ", ")
	if isSet {
		return "{" + text + "}"
	}
	return text
}

// octets returns the first bytes of an octet string as # and hexadecimal digits.
func octets(b []byte) string {
	if len(b) > mostQuoted {
		return fmt.Sprintf("#%x…", b[:mostQuoted])
	}
	return fmt.Sprintf("#%x", b)
}

// quoted returns a text in quotes. Of a long text it shows the first characters and an ellipsis.
func quoted(text string) string {
	kept, mark := cut(text)
	return strconv.Quote(kept + mark)
}

// cut returns the first mostQuoted characters of a text, and an ellipsis as mark if the text has more.
func cut(text string) (kept, mark string) {
	n := 0
	for i := range text {
		if n++; n > mostQuoted {
			return text[:i], "…"
		}
	}
	return text, ""
}
