package dav

import (
	"net/http"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestXMLBodyBeyondLimitsIsRejected checks each construct that a body must not have, alone, and the limits of nesting,
// attributes and prefixes in scope, of which two always are (G-21).
func TestXMLBodyBeyondLimitsIsRejected(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	attributes := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(" a" + strings.Repeat("b", i) + `=""`)
		}
		return "<a" + b.String() + "/>"
	}
	prefixes := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(" xmlns:p" + strings.Repeat("b", i) + `="u"`)
		}
		return `<a` + b.String() + `><b xmlns:q="u"/></a>`
	}
	wide := func(s string) string { // UTF-16, little-endian
		return "\xFF\xFE" + strings.Join(strings.Split(s, ""), "\x00") + "\x00"
	}
	for body, valid := range map[string]bool{"<a/>": true, `<?xml version="1.0"?><a/>`: true, "": false, "text": false,
		"<!DOCTYPE a><a/>": false, `<!DOCTYPE a [<!ENTITY b "c">]><a/>`: false, "<!ELEMENT a ANY><a/>": false,
		"<?php x?><a/>": false, "<a><?x y?></a>": false, nested(32): true, nested(33): false, "<a>": false, "</a>": false,
		"<a></b>": false, "<a/><b/>": false,
		// XML 1.0, 2.1 and 2.8: no text around the root element, and the declaration is the first part.
		"x<a/>": false, "<a/>x": false, "\n<!-- b --><a/> <!-- c -->\n": true,
		`<a><?xml version="1.0"?></a>`: false, `<a/><?xml version="1.0"?>`: false, ` <?xml version="1.0"?><a/>`: false,
		"\uFEFF<a/>": true, "\uFEFF<?xml version=\"1.0\"?><a/>": true, "<a/>\uFEFF": false,
		// UTF-16 with a byte order mark, in both byte orders; halves of characters are not valid (RFC 4918, 19).
		"\xFE\xFF\x00<\x00a\x00/\x00>": true, "\xFF\xFE<\x00\xE4\x00/\x00>\x00": true, "\xFE\xFF\x00<\x00a\x00/\x00": false,
		"\xFE\xFF\x00<\x00a\x00>\xD8\x3D\xDE\x00\x00<\x00/\x00a\x00>": true,
		"\xFE\xFF\x00<\x00a\x00>\xD8\x3D\x00x\x00<\x00/\x00a\x00>":    false,
		wide(`<?xml version="1.0" encoding="utf-16"?><a/>`):           true,
		wide(`<?xml version="1.0" encoding="ISO-8859-1"?><a/>`):       false,
		wide("<!DOCTYPE a><a/>"):                                      false,
		`<?xml version="1.0" encoding="utf-16"?><a/>`:                 false,
		"<b:a/>": false, `<a b:c=""/>`: false, `<a xmlns:b=""/>`: false,
		`<a xmlns:b="c"/>`: true, `<a xmlns:b="c"><b:d b:e=""/></a>`: true, `<a xmlns:b="c"><b:d></x:d></a>`: false,
		`<a xmlns:b="c" xmlns:d="e"><b:f d:g=""/></a>`: true,
		// Namespaces in XML: names have two parts at most, attributes are unique, and xml and xmlns are reserved.
		"<:a/>": false, "<a:/>": false, "<:/>": false, `<a xmlns:b="c"><b:1d/></a>`: false, `<a :b=""/>`: false,
		`<a xmlns:b="c" b:-d=""/>`: false, `<a xmlns:1b="c"/>`: false, `<a xmlns:b="c"><b:é/><b:_/></a>`: true,
		`<a b="" b=""/>`: false, `<a xmlns:b="c" xmlns:b="c"/>`: false, `<a xmlns:b="c" xmlns:d="c" b:e="" d:e=""/>`: false,
		`<a xmlns:b="c" b:e="" e=""/>`: true, `<a xmlns="b" xmlns="b"/>`: false, "<xml:a/>": false, "<xmlns:a/>": false,
		`<a xmlns:xml="b"/>`: false, `<a xmlns:xml="http://www.w3.org/XML/1998/namespace"/>`: true,
		`<a xmlns:xmlns="b"/>`: false, `<a xmlns="http://www.w3.org/XML/1998/namespace"/>`: false,
		`<a xmlns:b="http://www.w3.org/XML/1998/namespace"/>`: false, `<a xmlns="http://www.w3.org/2000/xmlns/"/>`: false,
		`<a xmlns:b="http://www.w3.org/2000/xmlns/"/>`: false, `<a xml:lang=""/>`: true,
		attributes(64): true, attributes(65): false, prefixes(61): true, prefixes(62): false,
		"<a>" + strings.Repeat("<b/>", 16382) + "</a>": true, "<a>" + strings.Repeat("<b/>", 16383) + "-</a>": false,
		"<" + strings.Repeat("n", 1024) + "/>": true, "<" + strings.Repeat("n", 1025) + "/>": false,
		`<a xmlns="` + strings.Repeat("u", 1024) + `"/>`: true, `<a xmlns="` + strings.Repeat("u", 1025) + `"/>`: false} {
		if _, err := parseXML([]byte(body)); (err == nil) != valid {
			t.Errorf("G-21: %.40q: %v", body, err)
		}
	}
	check.Equal(t, bodyRefusal(&http.MaxBytesError{Limit: 3}), error(errTooLong), "the refusal of a long upload")
}

// TestShortBodyHasNoEndlessValue checks that a value is limited as it is stored and sent: each element in it declares
// the namespace that the body declares once (G-21).
func TestShortBodyHasNoEndlessValue(t *testing.T) {
	body := func(elements int) []byte {
		return []byte(`<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><p xmlns="` + strings.Repeat("u", 1011) + `">` +
			strings.Repeat("<e/>", elements) + "</p></D:prop></D:set></D:propertyupdate>")
	}
	got, err := readPatches(body(64)) // 1,024 bytes each
	check.That(t, err == nil && len(got[0].Property.Value) == 64<<10, "G-21: 64 elements: %v", err)
	got, err = readPatches(body(16_000))
	check.That(t, err != nil && got == nil, "G-21: 16,000 elements of 1 KiB: %d properties, %v", len(got), err)
	root, err := parseXML(body(16_000))
	check.NoError(t, err)
	n := len(root.inner())
	check.That(t, n > 64<<10 && n < 128<<10, "G-21: 16 MiB are written as %d bytes", n)
}

// TestTextIsEscapedForXML checks the text of XML elements and attributes, also for bytes that XML cannot have.
func TestTextIsEscapedForXML(t *testing.T) {
	for s, want := range map[string]string{"a~": "a~", "é": "é", `<&">`: "&lt;&amp;&#34;&gt;", "a\nb": "a&#xA;b",
		"a\x01": "a\uFFFD", "\x01": "\uFFFD", "a\xff": "a\uFFFD"} {
		check.Equal(t, text(s), want, "%q", s)
	}
}

// TestValuesKeepTheirNamespaces checks that a rewritten value keeps its meaning without the prefixes that its
// document declared: element and attribute names, text, and the language in scope (RFC 4918, 4.3). An element may
// declare several prefixes, some of them again.
func TestValuesKeepTheirNamespaces(t *testing.T) {
	const body = `<propertyupdate xmlns="DAV:" xmlns:D="DAV:" xmlns:x="urn:y" xml:lang="de"><set>` +
		`<D:prop xmlns="" xmlns:x="urn:x" xmlns:z="urn:z"><x:p y="&quot;1" lang="en">` +
		`a &lt; b<x:c i="" x:e="f" z:g="h" xml:lang="fr"/>` +
		`<d xmlns="urn:d"><D:href>h</D:href></d><e/></x:p></D:prop></set>` +
		`<remove><prop xmlns:x="urn:x" xmlns:y="urn:y"><x:q/></prop></remove></propertyupdate>`
	got, err := readPatches([]byte(body))
	check.RequireThat(t, err == nil && len(got) == 2, "%v %v", got, err)
	want := Property{Name: Name{Space: "urn:x", Local: "p"}, Lang: "de", Value: `a &lt; b<c xmlns="urn:x" ` +
		`i="" xmlns:nba="urn:x" nba:e="f" xmlns:nca="urn:z" nca:g="h" xml:lang="fr"/>` +
		`<d xmlns="urn:d"><D:href>h</D:href></d><e xmlns=""/>`}
	check.That(t, got[0] == (Patch{Property: want}), "got  %+v\nwant %+v", got[0].Property, want)
	check.That(t, got[1] == (Patch{Remove: true, Property: Property{Name: Name{Space: "urn:x", Local: "q"}}}),
		"%+v", got[1])
}

// FuzzBodies checks that no body makes a parser panic, and that each parsed value is XML that parses to itself.
func FuzzBodies(f *testing.F) {
	f.Add([]byte(`<D:propfind xmlns:D="DAV:"><D:allprop/><D:include><D:acl/></D:include></D:propfind>`))
	f.Add([]byte(`<lockinfo xmlns="DAV:"><lockscope><shared/></lockscope><locktype><write/></locktype><owner>` +
		`<a b="c" xmlns:d="e" d:f="g">&amp;</a></owner></lockinfo>`))
	f.Add([]byte(`<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a xmlns="urn:a">1<b/></a></D:prop></D:set>` +
		`</D:propertyupdate>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if a, err := readPropfind(body); err == nil && len(a.props) > MostProperties {
			t.Fatalf("%d properties", len(a.props))
		}
		l, err := readLockInfo(body)
		check.RequireThat(t, err != nil || len(l.Owner) <= longestOwner, "an owner of %d bytes", len(l.Owner))
		patches, _ := readPatches(body)
		for _, p := range append(patches, Patch{Property: Property{Value: l.Owner}}) {
			again, err := parseXML([]byte(`<v xmlns:D="DAV:">` + p.Property.Value + "</v>"))
			if err == nil && again.inner() != p.Property.Value {
				t.Fatalf("%q is read back as %q", p.Property.Value, again.inner())
			}
		}
	})
}
