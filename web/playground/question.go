package playground

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Question holds the fields of the page as typed. The answer to the zero value is a list of mistakes.
type Question struct {
	SD     string `json:"sd"`     // SDDL
	Token  string `json:"token"`  // a token file
	Rights string `json:"rights"` // as refmon why --want takes them
	Type   string `json:"type"`   // of the object; "" is a file
	Self   string `json:"self"`   // the SID for SELF; "" is none
	Object string `json:"object"` // names or GUIDs of object types, separated by commas; "" is the whole object
	// Changes asks what would grant a question that is denied, too; that takes longer.
	Changes bool `json:"changes"`
}

// Mistake is an error in one field of a question. From and To are its position in UTF-16 units, as in a browser's
// text field; both are -1 for an error of the whole field.
type Mistake struct {
	Field   string `json:"field"`
	From    int    `json:"from"`
	To      int    `json:"to"`
	Message string `json:"message"`
}

// parse parses every field, so that the page shows all mistakes at once. With mistakes the request is incomplete.
// Without a type it is a file. A wrong type hides mistakes in the rights.
func (q *Question) parse() (*access.Request, []Mistake) {
	var wrong []Mistake
	r := &access.Request{Type: winnt.FileObject}
	if q.Type != "" {
		if r.Type = winnt.ObjectTypeByName(q.Type); r.Type == nil {
			wrong = append(wrong, whole("type", fmt.Sprintf("%q is not an object type: use one of %s", q.Type,
				accessquery.ObjectTypes)))
		}
	}
	var domain sid.SID
	t, err := token.Parse([]byte(q.Token))
	if err != nil {
		wrong = append(wrong, place("token", q.Token, err))
	} else {
		domain = accessquery.UserDomain(t)
		r.Subject = access.SubjectOf(t)
	}
	if r.Descriptor, err = parseSD(q.SD, domain); err != nil {
		m := place("sd", q.SD, err)
		if t == nil && domain.IsZero() && relative(err) {
			m.Message += " (the domain comes from the token's user, and the token cannot be read yet)"
		}
		wrong = append(wrong, m)
	}
	if r.Type != nil {
		wrong = append(wrong, q.want(r)...)
	}
	if q.Self != "" {
		if r.Self, err = sid.Resolve(q.Self, domain); err != nil {
			wrong = append(wrong, place("self", q.Self, err))
		}
	}
	return r, wrong
}

// want parses the rights and object types of the question into r, in the syntax of refmon why. It returns the
// mistakes, nil if there are none. Without a descriptor or token r gets the first query, unchecked.
func (q *Question) want(r *access.Request) []Mistake {
	var names []string
	for name := range strings.SplitSeq(q.Object, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	chains, err := words.Chains(names)
	if err != nil {
		return []Mistake{whole("object", err.Error())}
	}
	rights, err := words.Parse(q.Rights)
	if err != nil {
		return []Mistake{rightsMistake(q.Rights, err)}
	}
	queries, err := words.Queries(rights, chains, r.Type)
	if err != nil {
		return []Mistake{whole("rights", err.Error())}
	}
	r.Desired, r.ObjectTypes = queries[0].Desired, queries[0].Types
	if r.Descriptor == nil || r.Subject.Effective().IsZero() {
		return nil
	}
	ask := accessquery.Query{Request: *r}
	if err := ask.Choose(queries); err != nil {
		return []Mistake{whole("rights", err.Error())}
	}
	*r = ask.Request
	return nil
}

// parseSD parses a descriptor in SDDL. Empty text is an error.
func parseSD(text string, domain sid.SID) (*sd.Descriptor, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("want a security descriptor in SDDL, such as O:BAG:SYD:(A;;FR;;;WD)")
	}
	return sddl.Parse(text, sddl.Options{Domain: domain})
}

// anyDomain serves to detect aliases that need a domain.
var anyDomain = sid.MustParse("S-1-5-21-1-2-3")

// relative reports whether a syntax error can be fixed by giving the domain: it is at an alias such as DU that needs
// the domain's SID. It is false for nil and all other errors.
func relative(err error) bool {
	var e *sddl.SyntaxError
	if !errors.As(err, &e) || e.Offset+2 > len(e.Text) {
		return false
	}
	alias := e.Text[e.Offset : e.Offset+2]
	_, alone := sid.ParseAlias(alias, sid.SID{})
	_, within := sid.ParseAlias(alias, anyDomain)
	return alone != nil && within == nil
}

// place converts a parser's error to a mistake of a field, with the position in its text if the error has one.
// Without a valid position it is about the whole field.
func place(field, text string, err error) Mistake {
	var syntax *sddl.SyntaxError
	var file *token.FileError
	m := whole(field, err.Error())
	at := -1
	switch {
	case errors.As(err, &syntax):
		at, m.Message = syntax.Offset, "want "+syntax.Want
	case errors.As(err, &file):
		at, m.Message = file.Offset, file.Problem
		if file.Path != "" {
			m.Message = file.Path + ": " + file.Problem
		}
	}
	if at < 0 || at > len(text) {
		return m
	}
	m.From = units(text[:at])
	m.To = m.From + units(text[at:at+span(text[at:])])
	return m
}

// rightsMistake converts an error about the rights to a mistake at the part that is not a right. If only separators
// were given, it asks for rights. Without such a part it is about the whole text.
func rightsMistake(text string, err error) Mistake {
	m := whole("rights", err.Error())
	if strings.Trim(text, "|, +") == "" {
		m.Message = "name the requested rights, such as read, FR, FILE_READ_DATA or 0x1"
		return m
	}
	for at := 0; at < len(text); {
		n := strings.IndexAny(text[at:], "|, +")
		if n < 0 {
			n = len(text) - at
		}
		if part := text[at : at+n]; part != "" {
			if _, err := words.Parse(part); err != nil {
				m.From, m.To = units(text[:at]), units(text[:at+n])
				m.Message = strings.TrimPrefix(err.Error(), fmt.Sprintf("rights %q: ", part))
				return m
			}
		}
		at += n + 1
	}
	return m
}

// whole returns a mistake about a whole field.
func whole(field, message string) Mistake {
	return Mistake{Field: field, From: -1, To: -1, Message: message}
}

// span returns how many bytes at the start of rest to mark as wrong: a quoted text, a word, or one character. It
// returns 0 for "". A quoted text must end in the same line.
func span(rest string) int {
	if strings.HasPrefix(rest, `"`) {
		if n := strings.IndexAny(rest[1:], "\"\n"); n >= 0 && rest[1+n] == '"' {
			return n + 2
		}
	}
	if n := strings.IndexFunc(rest, func(c rune) bool { return !wordRune(c) }); n > 0 {
		return n
	} else if n < 0 {
		return len(rest)
	}
	_, n := utf8.DecodeRuneInString(rest)
	return n
}

// wordRune reports whether c belongs to a word: an ASCII letter or digit, "_" or "-".
func wordRune(c rune) bool {
	return c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// units returns the length of s in UTF-16 units, as JavaScript counts it. An invalid byte counts as one.
func units(s string) (n int) {
	for _, c := range s {
		n++
		if c > 0xFFFF {
			n++
		}
	}
	return n
}

// node is an object type in the form of a line of `refmon check --batch`.
type node struct {
	Level uint16 `json:"level"`
	GUID  string `json:"guid"`
}

// line returns the question as a line of `refmon check --batch`, which takes masks and the names of SDDL but no words.
// It returns "" for a token that is not JSON.
func (q *Question) line(r *access.Request) string {
	desired := q.Rights
	if m, err := sddl.ParseRights(desired); err != nil || m != r.Desired {
		desired = r.Desired.Padded()
	}
	var types []node
	for _, t := range r.ObjectTypes {
		types = append(types, node{t.Level, t.GUID.String()})
	}
	var file bytes.Buffer
	if json.Compact(&file, []byte(q.Token)) != nil {
		return ""
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(struct {
		Token   json.RawMessage `json:"token"`
		SD      string          `json:"sd"`
		Desired string          `json:"desired"`
		Mapping string          `json:"mapping,omitempty"`
		Self    string          `json:"selfSid,omitempty"`
		Types   []node          `json:"objectTypes,omitempty"`
	}{file.Bytes(), q.SD, desired, q.Type, q.Self, types}) != nil {
		return ""
	}
	return strings.TrimSpace(b.String())
}
