package effective_test

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

func ExampleEvaluator_Allowed() {
	people := tokens(`{"user":"S-1-5-21-1-2-3-1107","groups":["DU","AU"]}`,
		`{"user":"S-1-5-21-1-2-3-1108","groups":["DU","AU","BG"]}`,
		`{"user":"S-1-5-21-1-2-3-1109","groups":["AU","BA"]}`)
	p := effective.Compile(people, effective.Config{})
	e, err := effective.NewEvaluator(p, effective.Question{Type: winnt.FileObject,
		Rights: []winnt.AccessMask{winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA}})
	if err != nil {
		fmt.Println(err)
		return
	}
	sets := e.Allowed(sddl.MustParse("O:SYG:SYD:(D;;FW;;;BG)(A;;FR;;;AU)(A;;FA;;;BA)"))
	for who := range sets[0].All() {
		fmt.Println("reads:", who)
	}
	fmt.Println("writers:", sets[1].Count())
	// Output:
	// reads: 0
	// reads: 1
	// reads: 2
	// writers: 1
}

func ExampleEvaluator_Maximum() {
	people := tokens(`{"user":"S-1-5-21-1-2-3-1107","groups":["AU"]}`, `{"user":"S-1-5-21-1-2-3-1108"}`)
	e, err := effective.NewEvaluator(effective.Compile(people, effective.Config{}),
		effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{winnt.MAXIMUM_ALLOWED}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, m := range e.Maximum(sddl.MustParse("O:S-1-5-21-1-2-3-1108G:SYD:(A;;0x3;;;AU)")) {
		fmt.Println(i, winnt.FileObject.Names(m))
	}
	// Output:
	// 0 FILE_READ_DATA|FILE_WRITE_DATA
	// 1 READ_CONTROL|WRITE_DAC
}

func ExampleNewEvaluator_malformed() {
	empty := effective.Compile(nil, effective.Config{})
	_, err := effective.NewEvaluator(empty, effective.Question{Type: winnt.FileObject})
	fmt.Println(errors.Is(err, effective.ErrNoRights))
	_, err = effective.NewEvaluator(empty, effective.Question{
		Type: winnt.FileObject, Rights: make([]winnt.AccessMask, effective.MaxRights+1)})
	fmt.Println(errors.Is(err, effective.ErrRights))
	// Output:
	// true
	// true
}
