package web

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/internal/language"
)

func TestReasonsAreSaidInTheReadersLanguage(t *testing.T) {
	now := time.Date(2026, 3, 28, 14, 20, 0, 0, time.UTC)
	chinese := jobPen{newPen(language.Chinese, now, time.FixedZone("", 8*3600)), ""}
	for reason, want := range map[string]string{
		"the job is paused":  "作业已暂停",
		"the job was paused": "作业已暂停",
		"the tick of 2026-03-28T05:20:00Z is waiting already":                  "13:20 的一次已在等待",
		"the tick of 2026-03-28T05:20:01.5Z is still running":                  "13:20:01 的一次仍在运行",
		"the run was cancelled: the tick of 2026-03-28T05:20:00Z is due":       "由 13:20 到期的较新一次取代",
		"the run was cancelled: cancelled on request":                          "应要求取消",
		"1m5s late, more than the grace of 1m0s":                               "晚了 1 分 5 秒，超过宽限 1 分钟",
		"3 passed unrun, and the job does not catch up":                        "3 次未能运行，且作业不补运行",
		"1000 or more passed unrun, more than the job catches up with":         "至少 1000 次未能运行，超出作业补运行的上限",
		"vm/1/X did not renew its lease of 30s":                                "vm/1/X 没有续租，租期为 30 秒",
		"lost: vm/1/X is gone":                                                 "丢失：vm/1/X 已不存在",
		"the run exceeded its timeout; the function ignored it for 30s":        "运行超过了时限；函数有 30 秒 没有理会",
		"handed back: the scheduler is shutting down":                          "已交还：进程已停止",
		"handed back: the function ignored the shutdown":                       "已交还：函数没有理会进程的停止",
		"the lease was lost":                                                   "租约已失去",
		"7 ticks are waiting to be caught up with already":                     "已有 7 次在等待补运行",
		"blog/hot has timed out":                                               "blog/hot：超时",
		"blog/hot was skipped":                                                 "blog/hot：已跳过",
		"the store does not answer since 2026-03-28T05:20:00Z: disk I/O error": "存储自 13:20 起没有应答：disk I/O error",
		"the loop stands still since 2026-03-28T05:20:00Z":                     "调度循环自 13:20 起停滞",
		"the clock went back by 1h0m0s: it was set, or the machine slept":      "时钟拨回了 1 小时：时间被调整，或机器休眠过",
		"the clock was set back: 12 jobs had ticks up to 2026-03-28T05:20:00Z and are due again only after that; ask them to run, or set the clock": "时钟被拨回：12 个作业的到期时刻已到 13:20，此后才会再到期；可立即运行它们，或校正时钟",
		"2 runs ignored the end of their context and still go on":                                                                                   "2 次运行没有理会停止要求，仍在继续",

		"read pageviews: the disk is full": "read pageviews: the disk is full",
		"panic: the job is paused":         "panic: the job is paused",

		"%s the tick of 2026-03-28T05:20:00Z is still running for a long time now": "%s the tick of 2026-03-28T05:20:00Z is still running for a long time now",
	} {
		if got := chinese.Reason(reason); got != want {
			t.Errorf("%q: %q, want %q", reason, got, want)
		}
	}
}

func TestFirstLineIsShort(t *testing.T) {
	p := jobPen{newPen(language.English, time.Now(), nil), ""}
	for text, want := range map[string]string{
		"panic: x\n\ngoroutine 1": "panic: x", "  \n one": "one", strings.Repeat("字", 400): strings.Repeat("字", 300) + "…",
	} {
		if got := p.FirstLine(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestReasonsAreTheSchedulersOwn looks for what the patterns expect where it is
// written.
func TestReasonsAreTheSchedulersOwn(t *testing.T) {
	files, err := filepath.Glob("../scheduler/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var code strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(text)
	}
	for _, words := range []string{
		`"the job is paused"`, `"the job was paused"`, `" is waiting already"`, `" is still "`, `" is due"`, `"cancelled on request"`,
		`"the job is removed"`, `"the run exceeded its timeout"`, `%s late, more than the grace of %s"`,
		`" passed unrun; the one after them stands for them"`, `" passed unrun, and the job does not catch up"`,
		`" passed unrun, more than the job catches up with"`, `" is gone"`, `%s did not renew its lease of %s"`, `" or more"`,
		`"the run was cancelled"`, `"lost: "`, `"handed back: "`, `"the scheduler is shutting down"`, `the function ignored the shutdown"`,
		`"; the function ignored it for "`, `"the lease was lost"`, `"%d ticks are waiting to be caught up with already"`, `" has "`, `" was "`,
		`"the store does not answer since %s: %v"`, `"the loop stands still since "`, `"the clock went %s by %s: it was set, or the machine slept"`,
		`"the clock was set back: %d jobs had ticks up to %s and are due again only after that; ask them to run, or set the clock"`,
		`"%d runs ignored the end of their context and still go on"`,
	} {
		if !strings.Contains(code.String(), words) {
			t.Errorf("the scheduler no longer says %s", words)
		}
	}
}

func TestWhyAResultIsStaleIsSaidInTheReadersLanguage(t *testing.T) {
	p := newPen(language.Chinese, time.Now(), nil)
	for reason, want := range map[string]string{
		"overdue": "早该更新", "the last run failed": "上次运行失败", "the last computation failed": "上次运行失败",
		"a newer result is held for approval": "较新的结果有待批准", "the last run was timed out": "上次运行：超时",
		"the last run was unheard of": "上次运行：unheard of", "disk full": "disk full",
	} {
		if got := p.Why(reason); got != want {
			t.Errorf("%q: %q, want %q", reason, got, want)
		}
	}
	core, err := os.ReadFile("../core.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{`"the last run "`, `"the last computation failed"`, `"a newer result is held for approval"`, `return "failed"`, `"was "`} {
		if !strings.Contains(string(core), words) {
			t.Errorf("the reports no longer say %s", words)
		}
	}
}
