package claims

import (
	"fmt"
	"testing"
)

// evalCases are ordinary expressions: none may allocate.
var evalCases = []string{
	`(@User.one == 1)`,
	`(@User.s == "foo" && @User.title != "PM")`,
	`(Member_of_any {SID(BA), SID(AA), SID(WD)})`,
	`(strset Contains @Resource.fruit)`,
	`(strset Any_of {"pear", "Banana"})`,
	`(Exists @Device.legs && (set == {2, 1}) && !(missing))`,
	`(oct == #0102 && who == SID(WD) && big > 1)`,
	`(@Resource.long == {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20})`,
}

func benchEnv() *testEnv {
	env := evalEnv()
	var values []int64
	for i := range int64(20) {
		values = append(values, 20-i)
	}
	env.sets[Resource] = mustSet(strs("fruit", "banana", "apple"), ints("long", values...))
	return env
}

// TestEvalAllocates nothing.
func TestEvalAllocates(t *testing.T) {
	env := benchEnv()
	for _, text := range evalCases {
		e := mustParse(text)
		var truth Truth
		if n := testing.AllocsPerRun(100, func() { truth = e.Eval(env) }); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
		if truth == Unknown && text != evalCases[5] {
			t.Errorf("%s is Unknown", text)
		}
	}
}

func BenchmarkEval(b *testing.B) {
	env := benchEnv()
	for i, text := range evalCases {
		e := mustParse(text)
		b.Run(fmt.Sprint(i), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e.Eval(env)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	code := mustParse(`((@User.s == "foo" && Member_of_any {SID(BA), SID(WD)}) || @Device.legs >= 3)`).Encode()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(code); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseExpr(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		mustParse(`((@User.s == "foo" && Member_of_any {SID(BA), SID(WD)}) || @Device.legs >= 3)`)
	}
}

func BenchmarkDecodeAttribute(b *testing.B) {
	a := strs("Project", "Windows", "SQL")
	code := a.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeAttribute(code); err != nil {
			b.Fatal(err)
		}
	}
}
