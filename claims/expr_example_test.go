package claims_test

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sid"
)

// person is a simple Env with user claims and group SIDs.
type person struct {
	user   *claims.Set
	groups map[sid.SID]bool
}

func (p person) Attribute(scope claims.Scope, name string) (claims.Attribute, bool) {
	if scope != claims.User {
		return claims.Attribute{}, false
	}
	return p.user.Lookup(name)
}

func (p person) Member(s sid.SID, device bool) bool { return !device && p.groups[s] }

func (p person) HasDevice() bool { return false }

func ExampleExpr_Eval() {
	e, _, err := claims.ParseExpr(`(@User.Clearance >= 3 && Member_of {SID(BU)})`, claims.ParseOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	user, err := claims.NewSet([]claims.Attribute{{Name: "clearance", Type: claims.Int64, Ints: []int64{4}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.Eval(person{user, map[sid.SID]bool{sid.Users: true}}))
	fmt.Println(e.Eval(person{user, nil}))
	fmt.Println(e.Eval(person{nil, map[sid.SID]bool{sid.Users: true}})) // no such claim
	// Output:
	// True
	// False
	// Unknown
}

func ExampleParseExpr() {
	text := `(@user.Title=="PM" && (@User.Division=="Finance" || Exists @device.Managed));rest`
	e, n, err := claims.ParseExpr(text, claims.ParseOptions{})
	fmt.Println(e.Format(nil), text[n:], err)

	_, _, err = claims.ParseExpr(`(@User.Title = "PM")`, claims.ParseOptions{})
	fmt.Println(err)
	// Output:
	// ((@USER.Title == "PM") && ((@USER.Division == "Finance") || (Exists @DEVICE.Managed))) ;rest <nil>
	// at byte 13: want an operator or )
}

func ExampleDecode() {
	e, err := claims.Decode([]byte("artx\xf9\x02\x00\x00\x00a\x00\x00"))
	fmt.Println(e.Format(nil), err)
	_, err = claims.Decode([]byte("artx\xf9\x02"))
	fmt.Println(err)
	// Output:
	// (@USER.a) <nil>
	// invalid conditional expression: byte 4: length cut short
}

func ExampleParseAttribute() {
	a, _, err := claims.ParseAttribute(`("Project", TS, 0, "Windows", "SQL")`, claims.ParseOptions{})
	fmt.Println(a.Name, a.Strings, err)
	fmt.Println(a.Format(nil))
	b := a.Append(nil)
	again, err := claims.DecodeAttribute(b)
	fmt.Println(len(b), again.Name, err)
	// Output:
	// Project [Windows SQL] <nil>
	// ("Project",TS,0x0,"Windows","SQL")
	// 64 Project <nil>
}

func ExampleNewSet() {
	_, err := claims.NewSet([]claims.Attribute{{Name: "a", Type: claims.String, Strings: []string{"x", "X"}}})
	fmt.Println(err)
	// Output:
	// attribute 0: invalid claim attribute "a": duplicate values
}

// Unknown is neither true nor false, and so is its negation.
func ExampleTruth_Not() {
	for _, t := range []claims.Truth{claims.True, claims.False, claims.Unknown} {
		fmt.Println(t, t.Not())
	}
	// Output:
	// True False
	// False True
	// Unknown Unknown
}

// The flags of an attribute say where it is from. An unknown type is an error.
func ExampleNewSet_refused() {
	a := claims.Attribute{Name: "clearance", Type: claims.Int64, Ints: []int64{4},
		Flags: claims.FlagManual | claims.FlagPolicyDerived}
	set, err := claims.NewSet([]claims.Attribute{a})
	if err != nil {
		fmt.Println(err)
		return
	}
	got, ok := set.Lookup("Clearance")
	fmt.Printf("%#x %t\n", got.Flags, ok)
	_, err = claims.NewSet([]claims.Attribute{{Name: "clearance", Type: 99}})
	fmt.Println(errors.Is(err, claims.ErrAttribute))
	_, err = claims.Decode([]byte("artx\xff"))
	fmt.Println(errors.Is(err, claims.ErrExpr))
	// Output:
	// 0x30000 true
	// true
	// true
}
