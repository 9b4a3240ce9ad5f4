package kit

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// judge decides whether an answer is right: it returns nil if it equals one of the right answers. Otherwise the error
// says how it differs from q.Out, not from q.Either.
func (q *Question) judge(a *Answer) error {
	err := q.differs(a, q.Out)
	// Where the documents and Windows differ both are right (B-41).
	for _, other := range q.Either {
		if err != nil && q.differs(a, other) == nil {
			return nil
		}
	}
	return err
}

// choosesOtherwise reports whether a wrong answer follows from another choice where the documents are silent (B-42).
// The answer must be among q.Chosen, the answers of such choices. If q.Chosen is empty, any answer qualifies. An
// error that begins with "other" never qualifies.
func (q *Question) choosesOtherwise(a *Answer) bool {
	if q.Known != Decided || strings.HasPrefix(a.Error, "other") {
		return false
	}
	return len(q.Chosen) == 0 || slices.ContainsFunc(q.Chosen, func(o *Out) bool { return q.differs(a, o) == nil })
}

// differs returns the difference between an answer and want, or nil. want is one of the right answers; if nil, only
// an error that begins with "invalid" is right. Privileges and entries are compared as sets, if both sides have them.
// Status, granted, level and recorded are compared as JSON.
func (q *Question) differs(a *Answer, want *Out) error {
	switch {
	case strings.HasPrefix(a.Error, "invalid") && want == nil:
		return nil
	case a.Error != "":
		return errors.New("an error, and not an answer")
	case want == nil:
		return errors.New("an answer, and the input is malformed")
	}
	got := a.Out
	if want.Hex != "" || want.SDDL != "" {
		return q.descriptor(got, want)
	}
	for _, field := range []struct {
		name      string
		want, got any
	}{{"status", want.Status, got.Status}, {"granted", want.Granted, got.Granted}, {"level", want.Level, got.Level},
		{"recorded", want.Recorded, got.Recorded}} {
		x, _ := json.Marshal(field.want)
		y, _ := json.Marshal(field.got)
		if string(x) != string(y) {
			return &misfit{field.name, fmt.Sprintf("%s is %s, want %s", field.name, y, x)}
		}
	}
	if want.Privileges != nil && got.Privileges != nil && !sameSet(*want.Privileges, *got.Privileges) {
		return fmt.Errorf("privileges are %q, want %q", *got.Privileges, *want.Privileges)
	}
	if want.Entries != nil && got.Entries != nil && !sameSet(*want.Entries, *got.Entries) {
		return fmt.Errorf("entries are %v, want %v", *got.Entries, *want.Entries)
	}
	if err := sameNodes(want.Results, got.Results); err != nil {
		return err
	}
	return q.sameToken(want.Token, got.Token)
}

// descriptor compares two descriptors by meaning, not by bytes (B-39). It returns the difference of got from right,
// or nil. It panics if right is malformed. A malformed descriptor of got is an error. The texts are added if both
// have one.
func (q *Question) descriptor(got, right *Out) error {
	// Without any list a new object may have a NULL DACL or none: both grant everything (B-39).
	open := q.Op == "inherit"
	want, err := meaning(right, open)
	if err != nil {
		panic("kit: " + q.ID + ": " + err.Error())
	}
	have, err := meaning(got, open)
	if err != nil {
		return err
	}
	// Compare the meaning, not the bytes (B-39).
	if have.String() == want.String() {
		return nil
	}
	d := have.Differ(want)
	err = &misfit{d.Part, d.Text}
	text, ok := textOf(got)
	if wanted, written := textOf(right); ok && written {
		return fmt.Errorf("%w; it is %s, want %s", err, text, wanted)
	}
	return err
}

// misfit is the error for a wrong answer: it names the part of the answer that differs.
type misfit struct{ part, text string }

// Error returns the text.
func (m *misfit) Error() string { return m.text }

// textOf returns a descriptor as SDDL; ok is false if it has no such text. Text in o.SDDL is returned unchanged, even
// if malformed.
func textOf(o *Out) (text string, ok bool) {
	if o.SDDL != "" {
		return o.SDDL, true
	}
	b, err := hex.DecodeString(o.Hex)
	if err != nil {
		return "", false
	}
	d, err := sd.Decode(b)
	if err != nil {
		return "", false
	}
	text, err = sddl.Format(d, sddl.Options{})
	return text, err == nil
}

var ourDomain = sid.MustParse(domain)

// meaning decodes the descriptor of an answer into a canonical form for comparison. The descriptor is in the field
// hex, or in sddl if hex is empty. If open is true, a NULL DACL counts as absent. Two empty fields and an unreadable
// field are errors.
func meaning(o *Out, open bool) (*oracle.Meaning, error) {
	var b []byte
	switch {
	case o.Hex != "":
		var err error
		if b, err = hex.DecodeString(o.Hex); err != nil {
			return nil, fmt.Errorf("the field hex is not hexadecimal: %w", err)
		}
	case o.SDDL != "":
		d, err := sddl.Parse(o.SDDL, sddl.Options{Domain: ourDomain})
		if err != nil {
			return nil, fmt.Errorf("the field sddl cannot be read: %w", err)
		}
		b = d.Binary()
	default:
		return nil, errors.New("neither sddl nor hex")
	}
	return oracle.Canon(b, open)
}

// Same reports whether two descriptors, each SDDL or bytes, have the same meaning (B-39). One that cannot be read is
// the same as none.
func Same(a, b *Out) bool {
	x, err := meaning(a, false)
	if err != nil {
		return false
	}
	y, err := meaning(b, false)
	return err == nil && x.String() == y.String()
}

// sameSet reports whether a and b have the same elements. Order and repetition are ignored, and nil equals an
// empty list.
func sameSet[T comparable](a, b []T) bool {
	set := func(list []T) map[T]bool {
		m := map[T]bool{}
		for _, v := range list {
			m[v] = true
		}
		return m
	}
	return maps.Equal(set(a), set(b))
}

// sameNodes returns how the results per object type differ from the expected ones, or nil. The order counts.
// The rights count only where the expected status is a success.
func sameNodes(want, got []oracle.Node) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d results, want %d", len(got), len(want))
	}
	for i, w := range want {
		if g := got[i]; g.Status != w.Status || w.Status == oracle.Success && g.Granted != w.Granted {
			return fmt.Errorf("result %d is %s 0x%x, want %s 0x%x", i, g.Status, uint32(g.Granted), w.Status,
				uint32(w.Granted))
		}
	}
	return nil
}

// The attributes of groups and privileges that are compared. Of groups that are deny-only after filtering it is not
// recorded whether they stay mandatory and an owner.
const (
	groupBits     = 0xC000001F
	denyOnlyBits  = 0x14
	privilegeBits = 3
)

// groups returns copies of groups with only the attribute bits that are compared (B-44).
func (q *Question) groups(list []oracle.Group) (out []oracle.Group) {
	for _, g := range list {
		if g.Attributes &= groupBits; q.Op == "filter" && g.Attributes&denying != 0 {
			g.Attributes &= denyOnlyBits // (B-44)
		}
		out = append(out, g)
	}
	return out
}

// privileges returns copies of the privileges with only the attribute bits that are compared.
func privileges(list []oracle.Privilege) (out []oracle.Privilege) {
	for _, p := range list {
		out = append(out, oracle.Privilege{Name: p.Name, Attributes: p.Attributes & privilegeBits})
	}
	return out
}

// sameToken returns the first field in which the tokens differ, as a *misfit, or nil if they agree. It returns
// nil if want is nil, and an error if only got is nil. A primary token's level is ignored.
func (q *Question) sameToken(want, got *oracle.Token) error {
	if want == nil {
		return nil
	}
	if got == nil {
		return errors.New("no token")
	}
	level := func(t *oracle.Token) int {
		if t.Type == "primary" {
			return 0
		}
		return t.Level
	}
	for _, field := range []struct {
		name string
		same bool
	}{{"user", want.User == got.User && want.UserAttributes&denying == got.UserAttributes&denying},
		{"groups", sameSet(q.groups(want.Groups), q.groups(got.Groups))},
		{"privileges", sameSet(privileges(want.Privileges), privileges(got.Privileges))},
		{"restricting", (want.Restricting == nil) == (got.Restricting == nil) && sameSet(want.Restricting,
			got.Restricting)},
		{"writeRestricted", want.WriteRestricted == got.WriteRestricted}, {"integrity",
			want.Integrity == got.Integrity},
		{"type", want.Type == got.Type}, {"level", level(want) == level(got)}} {
		if !field.same {
			return &misfit{field.name, "the token has other " + field.name}
		}
	}
	return nil
}
