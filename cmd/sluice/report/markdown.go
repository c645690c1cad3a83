package report

import (
	"fmt"
	"io"
	"strings"

	"sluice/scoring/tally"
)

// writeMarkdown writes the tables for a pull request.
func writeMarkdown(w io.Writer, r *tally.Report) error {
	var b strings.Builder
	for i, p := range parts(r) {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s %s\n", strings.Repeat("#", min(2+i, 3)), p.title)
		markdownLines(&b, p.before)
		for j, cells := range p.table {
			if j == 0 {
				b.WriteByte('\n')
			}
			markdownRow(&b, cells)
			if j == 0 {
				markdownRule(&b, &p)
			}
		}
		markdownLines(&b, p.after)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func markdownLines(b *strings.Builder, lines []string) {
	for _, s := range lines {
		fmt.Fprintf(b, "\n%s\n", markdownText.Replace(s))
	}
}

// markdownRule writes the line below a table's head, which aligns its columns.
func markdownRule(b *strings.Builder, p *part) {
	b.WriteByte('|')
	for i := range p.table[0] {
		if p.isText(i) {
			b.WriteString("---|")
		} else {
			b.WriteString("---:|")
		}
	}
	b.WriteByte('\n')
}

func markdownRow(b *strings.Builder, cells []string) {
	b.WriteByte('|')
	for _, c := range cells {
		fmt.Fprintf(b, " %s |", markdownText.Replace(c))
	}
	b.WriteByte('\n')
}

// markdownText takes the meaning from what an id may hold.
var markdownText = strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "<", "&lt;", "&", "&amp;", "`", "\\`", "\n", " ", "\r", " ")
