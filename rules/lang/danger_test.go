package lang

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// This file shows why conditions are bounded: what expr does by itself with what
// Check refuses. Where a test here fails after expr was changed, a danger is
// gone, and with it perhaps a bound.

// wantRefused checks that what is dangerous is no condition.
func wantRefused(t *testing.T, conditions ...string) {
	t.Helper()
	for _, c := range conditions {
		if tree, _ := checkTest(c); tree != nil {
			t.Errorf("%.100s is accepted", c)
		}
	}
}

// raw runs an expression as expr does by itself.
func raw(t *testing.T, source string, env map[string]any, options ...expr.Option) (any, error) {
	t.Helper()
	program, err := expr.Compile(source, append(options, expr.Env(env))...)
	if err != nil {
		t.Fatalf("expr does not compile %.100s: %v", source, err)
	}
	return expr.Run(program, env)
}

// allocated is how much memory something takes in all, given back or not: a
// measure of work that is the same on every machine.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestDangerBrackets: brackets within brackets, as many as a megabyte holds,
// overflow the stack, which nothing can recover from. The process dies.
func TestDangerBrackets(t *testing.T) {
	brackets := strings.Repeat("[", 1<<20)
	if os.Getenv("LANG_TEST_DANGER") != "" {
		debug.SetMaxStack(64 << 20) // the default of 1 GiB is only slower
		defer func() { recover() }()
		_, err := parser.ParseWithConfig(brackets, nil)
		fmt.Println("survived:", err != nil)
		return
	}
	wantRefused(t, brackets, strings.Repeat("(", MaxDepth+1)+"true"+strings.Repeat(")", MaxDepth+1))
	run := exec.Command(os.Args[0], "-test.run=^TestDangerBrackets$")
	run.Env = append(os.Environ(), "LANG_TEST_DANGER=1")
	out, err := run.CombinedOutput()
	var died *exec.ExitError
	if !errors.As(err, &died) || !strings.Contains(string(out), "stack overflow") {
		t.Errorf("it did not die of the stack: %v\n%.1000s", err, out)
	}
}

// TestDangerChains: each comparison chained within a chained one makes parsing
// and compiling several times the work.
func TestDangerChains(t *testing.T) {
	chain := func(n int) string { return strings.Repeat("(1 < ", n) + "1" + strings.Repeat(" < 3 ? 1 : 2)", n) }
	work := func(n int) uint64 {
		return allocated(func() { _, _ = expr.Compile(chain(n)) })
	}
	few, more := work(6), work(12)
	if more < 20*few {
		t.Errorf("%d bytes for 6 chains, %d for 12: it does not grow so fast any more", few, more)
	}
	wantRefused(t, "1 < tx.amount < 5", chain(3))
}

// TestDangerLoops: a closure within a closure runs as often as the product of
// their lists. Three windows of 1,000 payments are a thousand million steps, and
// nothing stops a run.
func TestDangerLoops(t *testing.T) {
	steps := 0
	env := map[string]any{"list": make([]int, 30), "step": func() bool { steps++; return true }}
	if _, err := raw(t, "count(list, count(list, count(list, step()) > 28) > 28)", env); err != nil || steps < 29*29*29 {
		t.Errorf("%d steps, %v", steps, err)
	}
	wantRefused(t, `count(card.last("1h"), count(card.last("1h"), .amount > 5) > 1) > 1`, `any(card.last("1h"), any(card.last("2h"), .amount > 5))`)
}

// TestDangerWrong: what expr answers otherwise than its words say.
func TestDangerWrong(t *testing.T) {
	env := map[string]any{
		"list": []int{1, 2, 3, 4}, "zero": 0.0, "most": math.MaxInt64, "missing": nil,
	}
	for _, c := range []struct {
		source string
		wrong  any
		why    string
	}{
		{"most + 1 > 0", false, "the sum wraps around"},
		{"most * 2", -2, "the product wraps around"},
		{"1 / zero > 1000000", true, "a division by zero is more than any limit"},
		{"zero / zero == zero / zero", false, "not a number is not itself"},
		{"zero / zero > 5 or zero / zero <= 5", false, "not a number slips past both sides of a limit"},
	} {
		if got, err := raw(t, c.source, env); err != nil || !reflect.DeepEqual(got, c.wrong) {
			t.Errorf("%s is %v, %v and no more %v: %s", c.source, got, err, c.wrong, c.why)
		}
	}
	wantRefused(t, `findLast(card.last("1h"), .amount > 5).amount > 1`, `count(map(card.last("1h"), .amount)) + now() > 1`)
}

// TestDangerLast: findLast leaves its result in the wrong place of the stack, as
// does last(filter(…)), which is made one of them. What stands before it in an
// expression is lost.
func TestDangerLast(t *testing.T) {
	env := map[string]any{"list": []int{1, 2, 3, 4}}
	wrong := 0
	for source, right := range map[string]any{
		"[10, findLast(list, # > 2)]":        []any{10, 4},
		"10 + findLast(list, # < 3)":         12,
		"10 + last(filter(list, # < 3))":     12,
		"[10, last(filter(list, # < 3)), 7]": []any{10, 2, 7},
		"findLast(list, # > 5) == nil":       true,
		"last(filter(list, # > 5)) == nil":   true,
		"[1, last(filter(list, # > 5))]":     []any{1, nil},
	} {
		got, err := raw(t, source, env)
		t.Logf("%s is %v, %v", source, got, err)
		if err != nil || !reflect.DeepEqual(got, right) {
			wrong++
		}
	}
	if wrong == 0 {
		t.Error("all of them are right: findLast could be allowed, and last(filter(…)) left as it is")
	}
}

// TestDangerCrashes: what ends in an error only once a payment is decided.
func TestDangerCrashes(t *testing.T) {
	env := map[string]any{"list": []any{1, 2, 3}, "text": "a", "pattern": "(", "zero": 0, "holes": []any{1, nil}}
	for _, source := range []string{
		"count(list)",          // of what is not true or false
		"text matches pattern", // a pattern that comes with the payment
		"5 % zero",
		"sum(holes)",
		"max(holes)",
		"holes[1] > 5",
	} {
		if got, err := raw(t, source, env); err == nil {
			t.Errorf("%s is %v now, and fails no more", source, got)
		}
	}
	wantRefused(t, "tx.merchant matches tx.mcc", `count(map(card.last("1h"), .amount), #) > 1`)
}

// TestDangerTexts: the budget of memory counts lists and not texts. Forty
// doublings of a few letters are more than any machine has.
func TestDangerTexts(t *testing.T) {
	const doublings = 20
	source := "let t0 = text + text; "
	for i := 1; i < doublings; i++ {
		source += fmt.Sprintf("let t%d = t%d + t%d; ", i, i-1, i-1)
	}
	source += fmt.Sprintf("len(t%d)", doublings-1)
	env := map[string]any{"text": "abcd"}
	program, err := expr.Compile(source, expr.Env(env))
	if err != nil {
		t.Fatal(err)
	}
	machine := vm.VM{MemoryBudget: 10}
	if got, err := machine.Run(program, env); err != nil || got != 4<<doublings {
		t.Errorf("%v, %v: the budget has stopped a text of 4 MiB", got, err)
	}
	wantRefused(t, `tx.merchant + tx.merchant == ""`, `let a = tx.merchant; a == ""`, `repeat(tx.merchant, 1000) == ""`)
}

// TestDangerBuiltins: disabling all builtins leaves those with predicates, and
// the others read clocks and build what one likes.
func TestDangerBuiltins(t *testing.T) {
	env := map[string]any{"list": []int{1, 2, 3}}
	for _, source := range []string{"count(list, # > 1)", "filter(list, # > 1)", "map(list, # + 1)", "reduce(list, #acc + #)", "groupBy(list, # > 1)", "sortBy(list, -#)"} {
		if _, err := raw(t, source, env, expr.DisableAllBuiltins()); err != nil {
			t.Errorf("%s: %v", source, err)
		}
	}
	first, _ := raw(t, "string(now())", env)
	second, _ := raw(t, "string(now())", env)
	if first == second {
		t.Error("now() is the same twice: it reads no clock")
	}
	if got, err := raw(t, `len(repeat("a", 900000))`, env); err != nil || got != 900_000 {
		t.Errorf("repeat: %v, %v", got, err)
	}
	// uniq compares everything with everything; that takes time alone, and no test
	// asserts one.
	wantRefused(t, `uniq(map(card.last("1h"), .amount)) == nil`)
	wantRefused(t, "now() > tx.time", `reduce(card.last("1h"), #acc + 1, 0) > 1`, `groupBy(card.last("1h"), .merchant) == nil`, `sortBy(card.last("1h"), .amount) == nil`)
}

// TestDangerRanges: a range of a few letters is a list of a million, again for
// each that asks.
func TestDangerRanges(t *testing.T) {
	took := allocated(func() {
		if got, err := raw(t, "len(1..900000)", nil); err != nil || got != 900_000 {
			t.Errorf("%v, %v", got, err)
		}
	})
	if took < 4<<20 {
		t.Errorf("a range of 900,000 takes %d bytes", took)
	}
	wantRefused(t, "len(1..900000) > 1", "tx.items in 1..900000")
}

// TestDangerSize: text within the bound on its length can still be a tree so
// large that what comes behind takes seconds. Each part of it costs some hundred
// bytes and more of compiled code.
func TestDangerSize(t *testing.T) {
	long := "true" + strings.Repeat(" or true", (MaxSource-4)/8)
	tree, err := parser.Parse(long)
	if err != nil {
		t.Fatal(err)
	}
	nodes := 0
	ast.Walk(&tree.Node, visitor(func() { nodes++ }))
	if nodes <= 4*MaxNodes {
		t.Errorf("%d nodes", nodes)
	}
	wantRefused(t, long)
}

type visitor func()

func (v visitor) Visit(*ast.Node) { v() }

// TestDangerEnvironment: $env is everything that the program was given, secrets
// among it.
func TestDangerEnvironment(t *testing.T) {
	got, err := raw(t, `$env["cvv"] == "123"`, map[string]any{"cvv": "123"})
	if err != nil || got != true {
		t.Errorf("%v, %v", got, err)
	}
	wantRefused(t, `$env == nil`, `$env["tx"]["cvv"] == "123"`, `get(tx, "cvv") == "123"`)
}
