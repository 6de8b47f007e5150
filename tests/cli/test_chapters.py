from tricks_lib.course.chapter import chapter, chapters


def test_chapters_lists_what_was_found(run, capsys):
    assert run("chapters") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(chapters())
    assert f"01 warmup: {chapter('warmup').finding()}" in lines
