/**
 * For Next.js: `images: { loader: 'custom', loaderFile: './next-loader.ts' }` in its configuration. A loader must answer at
 * once, so the page looks up beforehand, in a server component or `getStaticProps`, and hands over what it found:
 *
 *   <Image src={await catalog.srcset('products/hat.jpg', { format: 'webp' })} width={640} height={480} alt="A felt hat" />
 */
export default function loader({ src, width }: { readonly src: string; readonly width: number }): string {
  const steps = src.split(', ').map((step) => {
    const [url = '', wide = ''] = step.split(' ');
    return { url, width: Number.parseInt(wide, 10) || 0 };
  });
  const step = steps.find((one) => one.width >= width) ?? steps.at(-1);
  return step?.url ?? src;
}
