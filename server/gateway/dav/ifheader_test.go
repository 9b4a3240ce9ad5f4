package dav

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// tableState is a resource with some tokens and tags.
type tableState struct{ tokens, tags string }

func (s tableState) hasToken(token string) bool {
	return slices.Contains(strings.Fields(s.tokens), token)
}

func (s tableState) hasTag(tag entityTag) bool {
	return !tag.weak && slices.Contains(strings.Fields(s.tags), tag.opaque)
}

// TestIfHeaderFollowsRFC4918 checks the examples of RFC 4918, 10.4.6 to 10.4.11, and both outcomes of each branch of
// the grammar and the evaluation. The request's resource has the token urn:a and the tag "one", /b has urn:b, and /free
// has nothing.
func TestIfHeaderFollowsRFC4918(t *testing.T) {
	find := func(tag string) resourceState {
		switch tag {
		case "":
			return tableState{"urn:a", `"one" "s)p]"`}
		case "/b":
			return tableState{"urn:b", ""}
		case "/free":
			return tableState{}
		}
		return nil
	}
	for _, c := range []struct {
		text      string
		want      bool
		submitted string
	}{
		{`(<urn:a>)`, true, "urn:a"}, {`(<urn:x>)`, false, "urn:x"}, {`(["one"])`, true, ""}, {`(["two"])`, false, ""},
		{`(<urn:a> ["one"])`, true, "urn:a"}, {`(<urn:a> ["wrong"])`, false, "urn:a"},
		{`(<urn:x> ["one"])`, false, "urn:x"}, {`(<urn:a>["wrong"]) (["one"])`, true, "urn:a"},
		{`(<urn:x>)(<urn:y>)`, false, "urn:x urn:y"}, {`([W/"one"])`, false, ""}, {`(Not [W/"one"])`, true, ""},
		{`(Not <urn:a>)`, false, "urn:a"}, {`(Not <urn:x>)`, true, "urn:x"}, {`(not <urn:x>)`, true, "urn:x"},
		{`(Not<urn:x>)`, true, "urn:x"}, {`(Not <urn:x> <urn:a>)`, true, "urn:a urn:x"},
		{`(Not <urn:a> <urn:x>)`, false, "urn:a urn:x"}, {`(<urn:a>) (Not <DAV:no-lock>)`, true, "DAV:no-lock urn:a"},
		{`(<urn:x> Not <DAV:no-lock>)`, false, "DAV:no-lock urn:x"}, {`(["s)p]"])`, true, ""},
		{`</b> (<urn:b>)`, true, "urn:b"}, {`</b> (<urn:a>)`, false, "urn:a"},
		{`</free> (<urn:a>)`, false, "urn:a"}, {`</free> (Not <urn:a>)`, true, "urn:a"}, {`</free> (Not ["one"])`, true, ""},
		{`<http://other/> (Not <urn:a>)`, false, "urn:a"},
		{`<http://other/> (Not <urn:a>) </b> (<urn:b>)`, true, "urn:a urn:b"},
		{`</b> (<urn:x>) (<urn:b>)`, true, "urn:b urn:x"}, {`</b>(<urn:x>)</free>(Not["e"])`, true, "urn:x"},
		{"\t( <urn:a>\t[\"one\"] ) ", true, "urn:a"},
	} {
		lists, err := parseIf(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		submitted := strings.Join(slices.Sorted(maps.Keys(lists.submitted())), " ")
		if got := lists.hold(find); got != c.want || submitted != c.submitted {
			t.Errorf("G-37: %q holds %t and submits %q, want %t, %q", c.text, got, submitted, c.want, c.submitted)
		}
	}
	for _, text := range []string{"", " ", "(", ")", "()", "x", "urn:a", "<urn:a>", "(urn:a)", "(<urn:a>", "(<urn:a)",
		"(x", "(<>)", "<> (<urn:a>)", `(["one)`, `([one])`, `(["one" ])`, `(["one"`, `(["one"x)`, "([])", "(Not)",
		"(Not Not <urn:a>)", "(Nota <urn:a>)",
		"(<urn:a>) x", "(<urn:a>) </b> (<urn:b>)", "</b> </free> (<urn:a>)", "</b> (<urn:b>) </free>", "((<urn:a>))",
		"(<urn:a> (<urn:b>))", "(<urn a>)", "(<<urn:a>)", "(" + strings.Repeat("<urn:a>", mostIfConditions+1) + ")",
		strings.Repeat("(<urn:a>)", mostIfConditions+1)} {
		if lists, err := parseIf(text); err == nil {
			t.Errorf("G-37: %.40q is read as %+v", text, lists)
		}
	}
	if _, err := parseIf("(" + strings.Repeat("<urn:a>", mostIfConditions) + ")"); err != nil {
		t.Error(err)
	}
}

// FuzzIfHeader checks that the parser fails only with its error, and that a parsed header submits a token or names a
// tag in each list.
func FuzzIfHeader(f *testing.F) {
	for _, text := range []string{`</b> (<urn:b> Not ["one"]) (<urn:a>)`, `(`, `([W/"x"])`, `<`, `(Not`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lists, err := parseIf(text)
		check.RequireThat(t, (err == nil) == (len(lists) > 0), "%q: %v, %v", text, lists, err)
		for _, l := range lists {
			check.RequireThat(t, len(l.conditions) != 0,
				"%q: a list without conditions: len(l.conditions) = %d, want at least 1", text, len(l.conditions))
			for _, c := range l.conditions {
				check.RequireThat(t, (c.token == "") != (c.tag.opaque == ""), "%q: %+v", text, c)
			}
		}
	})
}
