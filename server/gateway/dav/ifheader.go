package dav

import (
	"errors"
	"strings"
)

// ifLists is an If header (RFC 4918, 10.4). It holds if one list holds.
type ifLists []ifList

// ifList is a list of conditions on one resource. It holds if all conditions hold.
type ifList struct {
	tag        string // the URL of the resource; "": that of the request
	conditions []ifCondition
}

// ifCondition requires a state token or an entity tag, or its absence.
type ifCondition struct {
	not   bool
	token string    // the state token; "": the condition is about tag
	tag   entityTag // the entity tag, if token is ""
}

// mostIfConditions is the most conditions in one header.
const mostIfConditions = 1000

var errIf = errors.New(`the If header cannot be read: write (<lock-token> ["tag"]), or <URL> before such lists`)

// parseIf parses the value of an If header. Either no list has a URL, or each follows one (RFC 4918, 10.4.2). It
// returns errIf for any other text, for an empty one, and for too many conditions.
func parseIf(text string) (lists ifLists, err error) {
	p := ifParser{text: text}
	tag, tagged, fresh := "", false, false
	for p.skip(); p.text != "" && p.err == nil; p.skip() {
		switch p.text[0] {
		case '<':
			// At least one list follows each URL.
			if fresh || len(lists) > 0 && !tagged {
				return nil, errIf
			}
			tag, tagged, fresh = p.enclosed('>'), true, true
			if tag == "" {
				return nil, errIf
			}
		case '(':
			lists, fresh = append(lists, ifList{tag, p.list()}), false
		default:
			return nil, errIf
		}
	}
	if p.err != nil || len(lists) == 0 || fresh {
		return nil, errIf
	}
	return lists, nil
}

// ifParser parses an If header. It keeps the first error.
type ifParser struct {
	text  string
	count int
	err   error
}

// skip skips spaces and tabs.
func (p *ifParser) skip() { p.text = strings.TrimLeft(p.text, " \t") }

// enclosed returns the bracketed text at the start of p.text, up to end, and skips the text. The result may be empty.
// Without end, enclosed sets p.err, returns "" and skips nothing. A text with a space, a tab, "<" or ">" sets p.err,
// but is returned and skipped.
func (p *ifParser) enclosed(end byte) string {
	i := strings.IndexByte(p.text, end)
	if i < 0 {
		p.err = errIf
		return ""
	}
	inner := p.text[1:i]
	p.text = p.text[i+1:]
	if strings.ContainsAny(inner, " \t<>") {
		p.err = errIf
	}
	return inner
}

// list parses a list in parentheses at the start of p.text and skips it. It returns at least one condition. If the
// list is empty or malformed, or the header now has more than mostIfConditions conditions, it sets p.err and returns
// nil.
func (p *ifParser) list() (list []ifCondition) {
	p.text = p.text[1:]
	for p.err == nil {
		p.skip()
		if p.text == "" {
			break
		}
		if p.text[0] == ')' {
			p.text = p.text[1:]
			if len(list) == 0 {
				break
			}
			return list
		}
		list = append(list, p.condition())
		if p.count++; p.count > mostIfConditions {
			break
		}
	}
	p.err = errIf
	return nil
}

// condition parses one condition at the start of p.text and skips it. For a malformed one it sets p.err, and the result
// has no meaning. An empty token is malformed. "Not" may be in any case.
func (p *ifParser) condition() (c ifCondition) {
	if len(p.text) > 3 && strings.EqualFold(p.text[:3], "Not") {
		c.not, p.text = true, p.text[3:]
		p.skip()
	}
	switch {
	case strings.HasPrefix(p.text, "<"):
		if c.token = p.enclosed('>'); c.token == "" {
			p.err = errIf
		}
	case strings.HasPrefix(p.text, "["):
		// A tag may have brackets within its quotes.
		tag, rest, err := parseTag(p.text[1:])
		if err != nil || !strings.HasPrefix(rest, "]") {
			p.err = errIf
			return c
		}
		c.tag, p.text = tag, rest[1:]
	default:
		p.err = errIf
	}
	return c
}

// submitted returns the lock tokens that the client submitted with the If header: the set of all its state tokens. A
// token is submitted even if its list is false (RFC 4918, 10.4.1). The result is never nil.
func (l ifLists) submitted() map[string]bool {
	all := map[string]bool{}
	for _, list := range l {
		for _, c := range list.conditions {
			if c.token != "" {
				all[c.token] = true
			}
		}
	}
	return all
}

// resourceState is the state of one resource. A missing resource has no token and no tag (RFC 4918, 10.4.5).
type resourceState interface {
	hasToken(token string) bool // whether a lock with this token covers the resource
	hasTag(tag entityTag) bool  // whether the resource has the tag, by the strong comparison
}

// hold reports whether at least one list of the If header is true. Without lists the result is false. find returns the
// state of the resource that a list's tag, a URL, names; the tag "" names the request's resource. A list for which find
// returns nil is false.
func (l ifLists) hold(find func(tag string) resourceState) bool {
	for _, list := range l {
		if state := find(list.tag); state != nil && list.holds(state) {
			return true
		}
	}
	return false
}

// holds reports whether all conditions of the list are true for a resource in this state (RFC 4918, 10.4.3). An empty
// list is true.
func (l ifList) holds(state resourceState) bool {
	for _, c := range l.conditions {
		var has bool
		if c.token != "" {
			has = state.hasToken(c.token)
		} else {
			has = state.hasTag(c.tag)
		}
		if has == c.not {
			return false
		}
	}
	return true
}
