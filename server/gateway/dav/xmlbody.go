package dav

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of bodies (G-21).
const (
	largestXML     = 1 << 20  // bytes
	deepestXML     = 32       // nested elements
	mostNodes      = 1 << 14  // elements, and pieces of text between them
	mostAttributes = 64       // attributes of one element
	mostPrefixes   = 64       // prefixes in the scope of one element, with the default namespace and xml
	longestName    = 1024     // bytes of a namespace or a local name: a response repeats both for each resource
	longestValue   = 64 << 10 // bytes of a property's value
)

// Name is an expanded XML name.
type Name = xml.Name

// davSpace is the namespace of WebDAV.
const davSpace = "DAV:"

// xmlSpace is the namespace of the prefix xml.
const xmlSpace = "http://www.w3.org/XML/1998/namespace"

var errXML = Refuse(http.StatusBadRequest, "the body is not XML of WebDAV")

// element is an XML element with expanded names. Its zero value has no name.
type element struct {
	name       Name
	attributes []xml.Attr // with expanded names, without declarations of namespaces
	lang       string     // the xml:lang that is in scope
	children   []element  // a child without a name is text
	text       string     // the text of a child without a name
}

// child returns the first child with this local name in the DAV: namespace, or nil. The result points into e.
func (e *element) child(local string) *element {
	for i := range e.children {
		if e.children[i].name == (Name{Space: davSpace, Local: local}) {
			return &e.children[i]
		}
	}
	return nil
}

// elements returns the child elements in order, without text, nil if there are none. The results point into e.
func (e *element) elements() (list []*element) {
	for i := range e.children {
		if e.children[i].name.Local != "" {
			list = append(list, &e.children[i])
		}
	}
	return list
}

// body reads the whole body of the request. It refuses a body of more than largestXML bytes with 413 and a truncated
// one with 400.
func (x *exchange) body() ([]byte, error) {
	in := x.r.Body
	if x.buffered != nil {
		in = io.NopCloser(x.buffered)
	}
	b, err := io.ReadAll(http.MaxBytesReader(x.w, in, largestXML))
	return b, bodyRefusal(err)
}

// bodyRefusal converts an error of reading a body to a refusal: 413 for a body beyond its limit, 400 for any other
// error. It returns nil, and errors that are refusals already, unchanged. A body beyond the limit of an upload is
// errTooLong.
func bodyRefusal(err error) error {
	var long *http.MaxBytesError
	var f Refusal
	switch {
	case err == nil, errors.As(err, &f):
		return err
	case errors.As(err, &long) && long.Limit == largestXML:
		return Refuse(http.StatusRequestEntityTooLarge, "the body is too long")
	case errors.As(err, &long):
		return errTooLong
	}
	return Refuse(http.StatusBadRequest, "the body ended early")
}

// parseXML parses an XML document in UTF-8 or, with a byte order mark, UTF-16. It returns the root element, with the
// text between elements. It returns errXML for an empty, malformed, too deep or too finely divided body, several root
// elements and an undeclared prefix. A document type, or a processing instruction other than the XML declaration, is
// also errXML, because WebDAV clients send none (G-21).
func parseXML(body []byte) (root *element, err error) {
	d, err := newDecoder(body)
	if err != nil {
		return nil, err
	}
	stack := []*element{{}}
	scopes := []map[string]string{{"": "", "xml": xmlSpace}}
	for nodes := 0; ; {
		first := d.InputOffset() == 0
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) && len(stack) == 1 {
			break
		}
		if err != nil {
			return nil, errXML
		}
		top := stack[len(stack)-1]
		switch t := t.(type) {
		case xml.StartElement:
			e, scope, ok := expand(t, scopes[len(scopes)-1], top.lang)
			nodes++
			if !ok || len(stack) > deepestXML {
				return nil, errXML
			}
			stack, scopes = append(stack, e), append(scopes, scope)
		case xml.EndElement:
			if len(stack) == 1 || rawName(t.Name) != top.text {
				return nil, errXML
			}
			top.text = ""
			stack, scopes = stack[:len(stack)-1], scopes[:len(scopes)-1]
			above := stack[len(stack)-1]
			above.children = append(above.children, *top)
		case xml.CharData:
			// Only white space may surround the root element (XML 1.0, 2.8; G-21). RawToken does not check this.
			if len(stack) == 1 && len(bytes.Trim(t, " \t\r\n")) > 0 {
				return nil, errXML
			}
			nodes++
			top.children = append(top.children, element{text: string(t)})
		case xml.Directive:
			return nil, errXML
		case xml.ProcInst:
			if t.Target != "xml" || !first {
				return nil, errXML
			}
		}
		if nodes > mostNodes { // a node of four bytes of input takes a hundred bytes of memory
			return nil, errXML
		}
	}
	list := stack[0].elements()
	if len(list) != 1 {
		return nil, errXML
	}
	return list[0], nil
}

// rawName formats an unresolved XML name, to match an end tag with its start tag: prefix and local name with a colon
// between them, also if the prefix is empty.
func rawName(n Name) string { return n.Space + ":" + n.Local }

// expand resolves the prefixes of a start tag. expand returns the element and the prefixes in its scope. scope has
// the parent's prefixes and is not changed; lang is the parent's xml:lang. Until the end tag, the element's text
// holds its prefixed name. The result is false for a name that is not a QName, an undeclared prefix, a declaration that
// is not allowed, a repeated attribute, an element in the namespace xml, a name or namespace that is too long, and too
// many attributes or prefixes.
func expand(t xml.StartElement, scope map[string]string, lang string) (*element, map[string]string, bool) {
	if len(t.Attr) > mostAttributes {
		return nil, nil, false
	}
	inner, own := scope, false
	for i, a := range t.Attr {
		if !isQName(a.Name) || hasAttribute(t.Attr[:i], a.Name) {
			return nil, nil, false
		}
		prefix, declares := declaredPrefix(a.Name)
		if !declares {
			continue
		}
		if !declarable(prefix, a.Value) {
			return nil, nil, false
		}
		if !own {
			inner, own = maps.Clone(scope), true
		}
		inner[prefix] = a.Value // each element with a declaration copies the map, so its size is limited
	}
	if len(inner) > mostPrefixes {
		return nil, nil, false
	}
	e := &element{lang: lang, text: rawName(t.Name)}
	space, ok := inner[t.Name.Space]
	if !ok || !isQName(t.Name) || space == xmlSpace {
		return nil, nil, false
	}
	e.name = Name{Space: space, Local: t.Name.Local}
	for _, a := range t.Attr {
		if _, declares := declaredPrefix(a.Name); declares {
			continue
		}
		if a.Name.Space == "xml" && a.Name.Local == "lang" {
			e.lang = a.Value
		}
		space := ""
		if a.Name.Space != "" {
			if space, ok = inner[a.Name.Space]; !ok {
				return nil, nil, false
			}
		}
		a.Name.Space = space
		if hasAttribute(e.attributes, a.Name) {
			return nil, nil, false // equal attributes by two prefixes of one namespace (Namespaces in XML, 6.3)
		}
		e.attributes = append(e.attributes, a)
	}
	return e, inner, true
}

// isQName reports whether a name, split at its colon, is valid in a document with namespaces: the local part begins
// like a name and contains no further colon (Namespaces in XML, 4). One of more than longestName bytes is not valid.
// Package xml has checked the other characters. The prefix is not checked: a valid one is the local part of a
// declaration.
func isQName(n Name) bool {
	first, _ := utf8.DecodeRuneInString(n.Local)
	return len(n.Local) <= longestName && !strings.Contains(n.Local, ":") &&
		(first == '_' || unicode.In(first, unicode.L, unicode.Nl))
}

// hasAttribute reports whether list has an attribute with exactly this name.
func hasAttribute(list []xml.Attr, name Name) bool {
	return slices.ContainsFunc(list, func(a xml.Attr) bool { return a.Name == name })
}

// declaredPrefix returns the prefix that an attribute declares, "" for the default namespace. It returns false for an
// attribute that is no declaration.
func declaredPrefix(n Name) (prefix string, declares bool) {
	if n == (Name{Local: "xmlns"}) {
		return "", true
	}
	return n.Local, n.Space == "xmlns"
}

// declarable reports whether a document may declare a namespace for a prefix (Namespaces in XML, 2.2 and 3). Only the
// default namespace can be none, and the prefixes xml and xmlns have namespaces of their own. A namespace of more than
// longestName bytes is refused.
func declarable(prefix, space string) bool {
	return len(space) <= longestName && (prefix == "" || space != "") && (prefix == "xml") == (space == xmlSpace) &&
		prefix != "xmlns" && space != "http://www.w3.org/2000/xmlns/"
}

// inner returns the children of an element as XML that can be stored and sent elsewhere, "" without any. Each element
// declares its own namespace (RFC 4918, 4.3). A result of more than longestValue bytes is incomplete.
func (e *element) inner() string {
	var b strings.Builder
	e.writeInner(&b)
	return b.String()
}

// writeInner writes the children of an element as XML to b. It begins none after longestValue bytes.
func (e *element) writeInner(b *strings.Builder) {
	for i := range e.children {
		// The body declares a namespace once, but the stored value repeats it in each element (G-21).
		if b.Len() > longestValue {
			return
		}
		e.children[i].write(b)
	}
}

// write writes the element with its children as XML to b, or its escaped text if it has no name. An element without
// children is closed at once.
func (e *element) write(b *strings.Builder) {
	if e.name.Local == "" {
		escape(b, e.text)
		return
	}
	tag := e.name.Local
	if e.name.Space == davSpace {
		tag = "D:" + tag
		b.WriteString("<" + tag)
	} else {
		b.WriteString("<" + tag + ` xmlns="` + text(e.name.Space) + `"`)
	}
	for i, a := range e.attributes {
		prefix := ""
		switch a.Name.Space {
		case "":
		case xmlSpace:
			prefix = "xml:"
		default:
			prefix = "n" + string(rune('a'+i%26)) + string(rune('a'+i/26))
			b.WriteString(" xmlns:" + prefix + `="` + text(a.Name.Space) + `"`)
			prefix += ":"
		}
		b.WriteString(" " + prefix + a.Name.Local + `="` + text(a.Value) + `"`)
	}
	if len(e.children) == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteByte('>')
	e.writeInner(b)
	b.WriteString("</" + tag + ">")
}

// escape writes s to b, escaped for XML.
func escape(b *strings.Builder, s string) {
	_ = xml.EscapeText(b, []byte(s)) // writing to a Builder never fails
}

// text returns s escaped for XML.
func text(s string) string {
	if !strings.ContainsAny(s, "&<>\"'\t\n\r") && plain(s) {
		return s
	}
	var b strings.Builder
	escape(&b, s)
	return b.String()
}

// plain reports whether s is printable ASCII.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
