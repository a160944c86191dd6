"""What a machine can check of a page: names of controls, and contrast of every text (WCAG AA)."""

UNNAMED = """() => {
    const controls = "button, a, input:not([type=hidden]), select, textarea";
    const isLabelled = (one) => [...(one.labels ?? [])].some((label) => label.textContent.trim());
    const isNamed = (one) =>
        one.getAttribute("aria-label") || isLabelled(one) || one.textContent.trim();
    return [...document.querySelectorAll(controls)]
        .filter((one) => one.checkVisibility() && !isNamed(one))
        .map((one) => one.outerHTML);
}"""
"""The controls that a screen reader could not name."""

CONTRAST = """() => {
    const channel = (n) => (n /= 255) <= 0.03928 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const over = (colors) => {
        canvas.clearRect(0, 0, 1, 1);
        for (const color of colors) {
            canvas.fillStyle = color;
            canvas.fillRect(0, 0, 1, 1);
        }
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const behind = (one) => {
        const colors = [];
        for (; one; one = one.parentElement) colors.unshift(getComputedStyle(one).backgroundColor);
        return ["white", ...colors];
    };
    let worst = { ratio: 99 };
    for (const one of document.querySelectorAll("body *")) {
        const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        const isHidden = one.closest(".unseen, .skip, script, option") || !one.checkVisibility();
        if (!own || isHidden) continue;
        const ground = behind(one);
        const [a, b] = [light(over([...ground, getComputedStyle(one).color])), light(over(ground))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < worst.ratio) worst = { ratio, markup: one.outerHTML.slice(0, 120) };
    }
    return worst;
}"""
"""The text with the least contrast, and how much that is; 4.5 is enough."""
