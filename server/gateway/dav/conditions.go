package dav

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

// entityTag identifies a version of a file's contents (RFC 9110, 8.8.3).
type entityTag struct {
	weak   bool
	opaque string // with its quotes
}

// strongly reports whether two tags match by strong comparison: equal and neither weak (RFC 9110, 8.8.3.2).
func (t entityTag) strongly(other entityTag) bool {
	return !t.weak && !other.weak && t.opaque == other.opaque
}

// weakly reports whether two tags match by weak comparison: equal, whether weak or not (RFC 9110, 8.8.3.2).
func (t entityTag) weakly(other entityTag) bool { return t.opaque == other.opaque }

// errTags is the error of a malformed list of tags.
var errTags = errors.New(`this is not a list of entity tags: write "*", or tags in quotes with commas between them`)

// parseTag parses the entity tag at the start of text; rest is the text after the tag. parseTag skips no space around
// the tag. A missing tag, or a tag with controls or blanks, is errTags. Other bytes are not checked.
func parseTag(text string) (t entityTag, rest string, err error) {
	if after, weak := strings.CutPrefix(text, "W/"); weak {
		t.weak, text = true, after
	}
	if !strings.HasPrefix(text, `"`) {
		return t, "", errTags
	}
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			t.opaque = text[:i+1]
			return t, text[i+1:], nil
		case c <= ' ' || c == 0x7f:
			return t, "", errTags
		}
	}
	return t, "", errTags
}

// tagList is the value of If-Match or If-None-Match. The zero value is a missing header.
type tagList struct {
	present bool
	any     bool // "*": any existing resource
	tags    []entityTag
}

// parseTags parses the lines of an If-Match or If-None-Match header (RFC 9110, 5.6.1).
//   - no lines: the zero value
//   - "*" alone: any tag
//   - empty list elements: ignored, but errTags without a tag
//   - a malformed tag: errTags
//
// A comma in quotes is part of a tag.
func parseTags(lines []string) (l tagList, err error) {
	if len(lines) == 0 {
		return l, nil
	}
	l.present = true
	text := strings.Join(lines, ",")
	if strings.Trim(text, " \t") == "*" {
		l.any = true
		return l, nil
	}
	for {
		text = strings.TrimLeft(text, " \t,")
		if text == "" {
			break
		}
		t, rest, err := parseTag(text)
		if err != nil {
			return tagList{}, err
		}
		if rest = strings.TrimLeft(rest, " \t"); rest != "" && rest[0] != ',' {
			return tagList{}, errTags
		}
		l.tags, text = append(l.tags, t), rest
	}
	if len(l.tags) == 0 {
		return tagList{}, errTags
	}
	return l, nil
}

// validators are the state of a resource that conditions compare. The zero value is a missing resource.
type validators struct {
	exists   bool
	tag      entityTag // "" as opaque: no tag, as for a folder
	modified time.Time // zero: no date
}

// has evaluates If-Match or If-None-Match: it reports whether the resource exists and matches the list. "*" matches
// every resource, a tag matches if same reports it equal. A resource without a tag matches only "*".
func (v validators) has(l tagList, same func(a, b entityTag) bool) bool {
	if !v.exists {
		return false
	}
	for _, t := range l.tags {
		if same(t, v.tag) {
			return true
		}
	}
	return l.any
}

// conditions has the conditions of a request. In the zero value every condition is absent.
type conditions struct {
	match      tagList
	noneMatch  tagList
	unmodified time.Time // zero: absent
	lists      ifLists   // nil: no If header
}

// parseConditions parses the conditional headers of a request that changes something. Absent headers leave their
// field zero. A malformed list of tags or If header is an error, because its intent is unknown (G-37). It ignores a
// malformed date, as RFC 9110 requires.
func parseConditions(h http.Header) (c conditions, err error) {
	var errs [3]error
	c.match, errs[0] = parseTags(h["If-Match"])
	c.noneMatch, errs[1] = parseTags(h["If-None-Match"])
	// If-Unmodified-Since is ignored if it is not exactly one valid date (RFC 9110, 13.1.4).
	if since := h["If-Unmodified-Since"]; len(since) == 1 {
		c.unmodified, _ = http.ParseTime(since[0])
	}
	if lines := h["If"]; len(lines) > 0 {
		c.lists, errs[2] = parseIf(strings.Join(lines, " "))
	}
	return c, errors.Join(errs[:]...)
}

// ofTarget reports whether the request has a condition on its own resource: If-Match, If-None-Match or
// If-Unmodified-Since. The If header is ignored.
func (c *conditions) ofTarget() bool {
	return c.match.present || c.noneMatch.present || !c.unmodified.IsZero()
}

// some reports whether the request is conditional: whether it has any condition, the If header included.
func (c *conditions) some() bool { return c.ofTarget() || c.lists != nil }

// hold reports whether the conditions allow a request on a resource in state v (RFC 9110, 13.2.2). An absent
// condition holds. If-Match fails on a missing resource. If-Unmodified-Since is ignored with If-Match or without a
// date. The If header is not evaluated.
func (c *conditions) hold(v validators) bool {
	switch {
	// Step 1: If-Match needs a current representation, and one of its tags by the strong comparison (13.1.1).
	case c.match.present:
		if !v.has(c.match, entityTag.strongly) {
			return false
		}
	// Step 2: without If-Match, a resource modified after If-Unmodified-Since fails. The zero time of a resource
	// without a date is before each date (13.1.4). Dates have whole seconds.
	case !c.unmodified.IsZero():
		if v.modified.Truncate(time.Second).After(c.unmodified) {
			return false
		}
	}
	// Step 3: If-None-Match fails on a current representation that has one of its tags by the weak comparison (13.1.2).
	return !c.noneMatch.present || !v.has(c.noneMatch, entityTag.weakly)
}
