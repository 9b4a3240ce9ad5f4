package gateway

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
)

// deepestXML is how deep elements may be nested.
const deepestXML = 32

var errXML = errors.New("this is no XML that a client of WebDAV sends")

// checkXML reads a body without keeping anything of it. Document types, entities and deep
// nesting are refused: no client sends them but to make a server work (G-21).
func checkXML(body []byte) error {
	d := xml.NewDecoder(bytes.NewReader(body))
	for depth := 0; ; {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) && depth == 0 {
			return nil
		}
		if err != nil {
			return errXML
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth++; depth > deepestXML || unbound(t.Attr) {
				return errXML
			}
		case xml.EndElement:
			depth--
		case xml.Directive:
			return errXML
		case xml.ProcInst:
			if t.Target != "xml" {
				return errXML
			}
		}
	}
}

// unbound reports whether a prefix is declared for no namespace (Namespaces in XML, 2.2).
func unbound(attributes []xml.Attr) bool {
	for _, a := range attributes {
		if a.Name.Space == "xmlns" && a.Value == "" {
			return true
		}
	}
	return false
}

// readXML reads the body of a request, or answers why not.
func readXML(w http.ResponseWriter, r *http.Request) (body []byte, ok bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestXML))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		plain(w, http.StatusRequestEntityTooLarge, "the body is too long")
	case err != nil:
		plain(w, http.StatusBadRequest, "the body did not come whole")
	case checkXML(body) != nil:
		plain(w, http.StatusBadRequest, errXML.Error())
	default:
		return body, true
	}
	return nil, false
}

// asked holds what a PROPFIND asks for.
type asked struct {
	names bool       // the names of all properties
	all   bool       // what every client wants
	props []xml.Name // these; with all, besides
}

// readPropfind reads the body of a PROPFIND; none asks for all.
func readPropfind(body []byte) (a asked, err error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return asked{all: true}, nil
	}
	type names struct {
		List []struct{ XMLName xml.Name } `xml:",any"`
	}
	var p struct {
		XMLName  xml.Name  `xml:"DAV: propfind"`
		Allprop  *struct{} `xml:"DAV: allprop"`
		Propname *struct{} `xml:"DAV: propname"`
		Prop     *names    `xml:"DAV: prop"`
		Include  *names    `xml:"DAV: include"`
	}
	if err := xml.Unmarshal(body, &p); err != nil {
		return a, errXML
	}
	list := p.Prop
	a = asked{names: p.Propname != nil, all: p.Allprop != nil}
	if a.all {
		list = p.Include
	}
	if kinds := b2i(a.names) + b2i(a.all) + b2i(p.Prop != nil); kinds != 1 {
		return a, errXML
	}
	if list != nil {
		for _, n := range list.List {
			if len(a.props) == mostProperties {
				return a, errXML
			}
			a.props = append(a.props, n.XMLName)
		}
	}
	return a, nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// escape writes text as XML has it.
func escape(b *strings.Builder, text string) {
	_ = xml.EscapeText(b, []byte(text)) // a Builder takes everything
}
