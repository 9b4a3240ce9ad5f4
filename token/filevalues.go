package token

import (
	"strconv"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/winnt"
)

// loc parses a JSON string into text. It stores the field as the path, and the position, so that a later error can
// name both.
func (r *fileReader) loc(field string, text *loc) (err error) {
	r.Peek()
	text.path, text.at = field, r.Pos
	text.text, err = r.Text()
	return err
}

// signed parses a 64-bit number that may be negative, such as a claim's value or a time. It may be a string.
func (r *fileReader) signed() (int64, error) {
	read := r.Number
	if r.Peek() == '"' {
		read = r.Text
	}
	start := r.Pos
	s, err := read()
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || s != "-0" && strconv.FormatInt(v, 10) != s {
		return 0, r.FailAt(start, "%s: want a number of 64 bits", strict.Clip(s))
	}
	return v, nil
}

// maxExact is the largest number that every reader of JSON keeps exact, because it may store numbers as float64.
const maxExact = 1 << 53

// exact returns v for a token file: as a string if it is beyond maxExact, or below -maxExact.
func exact(v int64) any {
	if v < -maxExact || v > maxExact {
		return strconv.FormatInt(v, 10)
	}
	return v
}

// oneOf parses a JSON string, which must be a word of the table, and returns the word's value. The error for an
// unknown word lists the known ones.
func (r *fileReader) oneOf(table []named) (uint32, error) {
	r.Peek()
	at := r.Pos
	s, err := r.Text()
	if err != nil {
		return 0, err
	}
	// An unknown word is an error and not 0: a misspelled UseForDenyOnly would make
	// the group one that grants.
	v, ok := lookup(table, s)
	if !ok {
		return 0, r.FailAt(at, "unknown name %q, want one of %s", s, choices(table))
	}
	return v, nil
}

// words parses a JSON array of words of the table, such as attribute names, and returns the union of their bits.
func (r *fileReader) words(table []named) (bits uint32, err error) {
	err = r.Array(32, func(int) error {
		v, err := r.oneOf(table)
		bits |= v
		return err
	})
	return bits, err
}

// group parses a group of a token file: "S-1-…", or {"sid":…,"attributes":[…]}. A group without attributes gets
// the default ones.
func (r *fileReader) group(group *rawGroup, defaults uint32) error {
	group.attrs = defaults
	if r.Peek() == '"' {
		return r.loc("", &group.sid)
	}
	if r.Peek() != '{' {
		return r.Fail("want a SID, or an object with sid and attributes")
	}
	start := r.Pos
	err := r.Object(groupFields, func(i int) (err error) {
		if i == 0 {
			return r.loc("sid", &group.sid)
		}
		// Given attributes are used unchanged, even []: such a group is present and disabled.
		group.attrs, err = r.words(groupAttributes)
		return err
	})
	if err == nil && group.sid.at == 0 {
		err = strict.Within("sid", r.FailAt(start, "missing"))
	}
	return err
}

// groupList parses a JSON array into groups. A SID without attributes gets those of a group that a logon adds. An
// empty array gives an empty list, not nil. More than MaxGroups groups are an error.
func (r *fileReader) groupList(groups *[]rawGroup) error {
	*groups = []rawGroup{} // an empty list differs from none
	return r.Array(MaxGroups, func(int) error {
		*groups = append(*groups, rawGroup{})
		return r.group(&(*groups)[len(*groups)-1], groupForce)
	})
}

// privilege parses a privilege of a token file: "SeXPrivilege", or {"name":…,"attributes":[…]}. Given attributes
// are used unchanged; without them the privilege is enabled. A privilege that occurs twice is an error. The parameter,
// an array index, is unused.
func (r *fileReader) privilege(int) error {
	attrs := winnt.SE_PRIVILEGE_ENABLED // of a bare name
	var name loc
	var err error
	r.Peek()
	start := r.Pos
	if r.Peek() == '"' {
		err = r.loc("", &name)
	} else {
		err = r.Object(privilegeFields, func(i int) (err error) {
			if i == 0 {
				return r.loc("name", &name)
			}
			attrs, err = r.words(privilegeAttributes)
			return err
		})
		if err == nil && name.at == 0 {
			err = strict.Within("name", r.FailAt(start, "missing"))
		}
	}
	if err != nil {
		return err
	}
	p, err := winnt.ParsePrivilege(name.text)
	if err != nil {
		return &strict.Error{Path: name.path, Offset: name.at, Problem: err.Error(), Err: err}
	}
	if r.spec.Privileges.Has(p) {
		return &strict.Error{Path: name.path, Offset: name.at, Problem: name.text + " given twice"}
	}
	r.spec.Privileges |= p.Bit()
	if attrs&winnt.SE_PRIVILEGE_ENABLED != 0 {
		r.spec.EnabledPrivileges |= p.Bit()
	}
	if attrs&winnt.SE_PRIVILEGE_ENABLED_BY_DEFAULT != 0 {
		r.spec.DefaultPrivileges |= p.Bit()
	}
	return nil
}

// parseContainer parses the value of one field of the object appContainer. fieldIndex is that of its name in
// containerFields.
func (r *fileReader) parseContainer(fieldIndex int) (err error) {
	switch fieldIndex {
	case 0:
		err = r.loc("appContainer.packageSid", &r.pkg)
	case 1:
		err = r.Array(MaxGroups, func(int) error {
			r.caps = append(r.caps, rawGroup{})
			return r.group(&r.caps[len(r.caps)-1], winnt.SE_GROUP_ENABLED)
		})
	case 2:
		r.spec.LowPrivilege, err = r.Boolean()
	case 3:
		var v uint64
		v, err = r.Unsigned(32)
		r.spec.LowBoxNumber = uint32(v)
	}
	return err
}
