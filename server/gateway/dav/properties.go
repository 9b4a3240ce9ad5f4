package dav

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// MostProperties is the most properties that a PROPFIND may name (G-19). A PROPPATCH may have four times as many
// patches.
const MostProperties = 64

// Property is a property that a client has set.
type Property struct {
	Name  Name
	Value string // XML that needs no prefix declared elsewhere but D for DAV:
	Lang  string // the xml:lang of the value; "" without one
}

// Patch sets a property or, with Remove, removes the one with its name. Removing a missing property is not an error.
type Patch struct {
	Remove   bool
	Property Property
}

// proppatch serves PROPPATCH: it applies all changes or none and responds with a status per property. The response is
// a 207 with 403 for each DAV: property, which a client cannot change, or with 507 if space is missing. A malformed
// body, a missing resource and any other failure are errors without a response.
func (x *exchange) proppatch() error {
	body, err := x.body()
	if err != nil {
		return err
	}
	patches, err := readPatches(body)
	if err != nil {
		return err
	}
	if _, err := x.stat(); err != nil {
		return err
	}
	// A user who cannot change properties must not keep others waiting for the name (G-38).
	if err := x.files.Patch(x.name, nil); err != nil {
		return err
	}
	leave, err := x.enter()
	if err != nil {
		return err
	}
	defer leave()
	var b strings.Builder
	b.WriteString(xmlHeader + `<D:multistatus xmlns:D="DAV:"><D:response><D:href>` + text(x.name.Href(false)) +
		"</D:href>")
	if protected(&b, patches) {
		answerXML(x.w, http.StatusMultiStatus, b.String()+"</D:response></D:multistatus>\n")
		return nil
	}
	code, condition := http.StatusOK, ""
	if err := x.files.Patch(x.name, patches); err != nil {
		if code = codeOf(err); code != http.StatusInsufficientStorage {
			return err
		}
		condition = errorElement(refusalOf(err))
	}
	propstat(&b, code, patches, func(Patch) bool { return true }, condition)
	answerXML(x.w, http.StatusMultiStatus, b.String()+"</D:response></D:multistatus>\n")
	return nil
}

// protected reports whether a request changes DAV: properties, which only the server sets. If so, protected writes
// 403 for these properties and 424 for all others: "Instructions MUST either all be executed or none executed" (RFC
// 4918, 9.2, 16; RFC 3744, 5). If not, protected writes nothing.
func protected(b *strings.Builder, patches []Patch) bool {
	ours := func(p Patch) bool { return p.Property.Name.Space == davSpace }
	any := false
	for _, p := range patches {
		any = any || ours(p)
	}
	if !any {
		return false
	}
	propstat(b, http.StatusForbidden, patches, ours, "<D:error><D:cannot-modify-protected-property/></D:error>")
	propstat(b, http.StatusFailedDependency, patches, func(p Patch) bool { return !ours(p) }, "")
	return true
}

// propstat writes the D:propstat element that reports one status for several properties: those patches for which of
// returns true, followed by the XML in more. It writes nothing if there are none.
func propstat(b *strings.Builder, code int, patches []Patch, of func(Patch) bool, more string) {
	var props []byte
	for _, p := range patches {
		if of(p) {
			props = appendProperty(props, p.Property.Name, "", "")
		}
	}
	if len(props) > 0 {
		fmt.Fprintf(b, "<D:propstat><D:prop>%s</D:prop><D:status>HTTP/1.1 %d %s</D:status>%s</D:propstat>", props, code,
			http.StatusText(code), more)
	}
}

// readPatches parses the body of a PROPPATCH and returns its changes in order (RFC 4918, 14.19). Unknown elements are
// ignored. A removal has no value. A body that is malformed, has no or too many changes, or a value of more than
// longestValue bytes, returns nil and errXML.
func readPatches(body []byte) (patches []Patch, err error) {
	update, err := parseXML(body)
	if err != nil {
		return nil, err
	}
	if update.name != (Name{Space: davSpace, Local: "propertyupdate"}) {
		return nil, errXML
	}
	for _, e := range update.elements() {
		remove := e.name == Name{Space: davSpace, Local: "remove"}
		if !remove && e.name != (Name{Space: davSpace, Local: "set"}) {
			continue // "unknown elements are ignored" (RFC 4918, 17)
		}
		prop := e.child("prop")
		if prop == nil {
			return nil, errXML
		}
		for _, p := range prop.elements() {
			if len(patches) == 4*MostProperties {
				return nil, errXML
			}
			patch := Patch{Remove: remove, Property: Property{Name: p.name}}
			if !remove {
				patch.Property.Value, patch.Property.Lang = p.inner(), p.lang
				if len(patch.Property.Value) > longestValue {
					return nil, errXML
				}
			}
			patches = append(patches, patch)
		}
	}
	if patches == nil {
		return nil, errXML
	}
	return patches, nil
}

// wanted says which properties a PROPFIND requests. The zero value requests none.
type wanted struct {
	names bool   // the names of all properties
	all   bool   // all standard properties
	props []Name // these properties, each once, in addition to all if that is set
}

// readPropfind parses the body of a PROPFIND. An empty body requests all properties (RFC 4918, 9.1), and a prop
// element without children requests none. A malformed body and one with more than MostProperties names are errXML.
func readPropfind(body []byte) (a wanted, err error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return wanted{all: true}, nil
	}
	root, err := parseXML(body)
	if err != nil {
		return a, err
	}
	list := root.child("prop")
	a = wanted{names: root.child("propname") != nil, all: root.child("allprop") != nil}
	// "propfind ((propname) | (allprop, include?) | prop)" (RFC 4918, 14.20).
	if root.name != (Name{Space: davSpace, Local: "propfind"}) || one(a.names)+one(a.all)+one(list != nil) != 1 {
		return a, errXML
	}
	if a.all {
		list = root.child("include")
	}
	if list != nil {
		for i, e := range list.elements() {
			if i == MostProperties {
				return a, errXML
			}
			if !slices.Contains(a.props, e.name) {
				a.props = append(a.props, e.name)
			}
		}
	}
	return a, nil
}

// one converts a bool to a number: 1 for true and 0 for false.
func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
