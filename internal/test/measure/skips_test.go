package main

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

func TestSkippedTestsArePrintedOnce(t *testing.T) {
	events := `{"Action":"output","Package":"a","Test":"TestOne","Output":"=== RUN   TestOne\n"}
{"Action":"output","Package":"a","Test":"TestOne","Output":"    a_test.go:12: no smbd here: install samba\n"}
{"Action":"skip","Package":"a","Test":"TestOne"}
{"Action":"output","Package":"a","Output":"PASS\n"}
{"Action":"output","Package":"a","Output":"ok  \ta\t0.1s\n"}
{"Action":"pass","Package":"a"}
{"Action":"output","Package":"b","Test":"TestTwo","Output":"    b_test.go:3: got 1, want 2\n"}
{"Action":"fail","Package":"b","Test":"TestTwo"}
{"Action":"output","Package":"b","Test":"TestThree","Output":"    b_test.go:9: no smbd here: install samba\n"}
{"Action":"skip","Package":"b","Test":"TestThree"}
{"Action":"output","Package":"b","Test":"TestFour","Output":"passed and is silent\n"}
{"Action":"pass","Package":"b","Test":"TestFour"}
{"Action":"output","Package":"b","Output":"FAIL\tb\t0.1s\n"}
{"Action":"fail","Package":"b"}
`
	var out strings.Builder
	check.NoError(t, printTests(strings.NewReader(events), &out))
	const want = "ok  \ta\t0.1s\n    b_test.go:3: got 1, want 2\nFAIL\tb\t0.1s\n" +
		"\nskipped:\n  no smbd here: install samba: TestOne, TestThree\n"
	check.That(t, out.String() == want, "got\n%q\nwant\n%q", out.String(), want)
}
